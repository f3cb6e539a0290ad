"""Sending of due messages: claim, render, hand over to a mail server, record the result.

    state      means                                              left by
    queued     waits for its time                                 a claim
    leased     claimed by one sender, not yet announced           a commit of intent, or release
    sending    intent committed; the server may have the message  its result, or recovery after a crash
    accepted rejected expired cancelled uncertain                 final

    class            module              part
    Sender loop      sender.py           all connections of all routes until nothing is left that may go now
    Dispatcher       dispatcher.py       claims batches, gives messages to connections by priority
    ConnectionLoop   connection_loop.py  one connection: intent, MAIL, RCPT, DATA, result
    LedgerWriter     ledger_writer.py    the one thread that commits intents and results, many per commit
    DeliveryQueue    interfaces.py       the database as the sender sees it (db/sender_session.py)

An intent is committed before the server gets DATA, and a result is written only by the sender that still
holds the lease: a crash costs at most one second copy per connection (docs/delivery.md).
"""
