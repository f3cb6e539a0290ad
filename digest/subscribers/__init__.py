"""Use cases of a subscription, the same behind web form, link, API and command.

Each use case works in the transaction it is given, writes an audit line for what it changed, and queues at
most one message. Signing up looks the same whether the address is new, known or suppressed, so that nobody
learns from it who is subscribed.
"""

from digest.subscribers.helpers import CONFIRM_RETRY_AFTER, Actor, get_subscriber
from digest.subscribers.preferences import (
    change_address,
    change_settings,
    confirm_address,
    pause,
    preview_settings,
    resume,
    save_settings,
    set_address,
)
from digest.subscribers.signup import add_subscriber, confirm, request_confirmation, sign_up
from digest.subscribers.unsubscribe import (
    UNCONFIRMED_TTL,
    UNDO_WINDOW,
    deny_signup,
    erase,
    erase_unconfirmed,
    suppress,
    undo_unsubscribe,
    unsubscribe,
    unsuppress,
)
