"""How do many machines share a day? Coarse jobs in PostgreSQL, any number of workers that do them.

    tick      once a minute: have the sources read, or cut who is due into shards
    ingest    read the sources, then tick again
    plan      rank and queue the editions of one shard of a thousand readers
    pump      send what is queued; as many at once as there are workers
    bounces   read the mailbox to which bounces return

A job that is lost, late or done twice changes nothing: what is due, planned and sent stands in the
tables of the house alone. What each job does is in chores.py, where they wait in board.py, and how a
worker lives in shift.py.
"""
