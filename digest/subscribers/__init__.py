"""What may a reader, or whoever looks after them, do? The same behind form, link, API and command.

Each use-case works in the transaction it is given, writes an audit line for what it changed, and queues
at most one mail. Signing up ends in the same way whether the address is new, known or suppressed, so
that nobody learns from it who reads here.
"""

from digest.subscribers.helpers import ASK_AGAIN, Actor, get_subscriber
from digest.subscribers.preferences import (
    change,
    change_address,
    confirm_address,
    pause,
    resume,
    revise,
    wished,
)
from digest.subscribers.signup import ask, confirm, enrol, sign_up
from digest.subscribers.unsubscribe import (
    FORGET_AFTER,
    UNDO_WITHIN,
    deny,
    erase,
    forget_unanswered,
    suppress,
    undo_unsubscribe,
    unsubscribe,
    unsuppress,
)

__all__ = [
    "ASK_AGAIN",
    "FORGET_AFTER",
    "UNDO_WITHIN",
    "Actor",
    "ask",
    "change",
    "change_address",
    "confirm",
    "confirm_address",
    "deny",
    "enrol",
    "erase",
    "forget_unanswered",
    "get_subscriber",
    "pause",
    "resume",
    "revise",
    "sign_up",
    "suppress",
    "undo_unsubscribe",
    "unsubscribe",
    "unsuppress",
    "wished",
]
