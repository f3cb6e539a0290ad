"""The table from answers of channels to actions; reply codes are HTTP statuses.

A failure here concerns one channel. No answer lets the route rest or suppresses a mailbox.
"""

from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.reply_codes import Action, ReplyAction
from digest.models import ThrottleAction

NOT_ALLOWED = 999  # our own code: the operator does not allow this host or address
UNREADABLE = 998  # our own code: the stored address cannot be read any more
NO_REPLY = 0

ACCEPTED = ReplyAction(Action.ACCEPT, "accepted")
REPLY_LOST = ReplyAction(Action.UNCERTAIN, "reply-lost")
UNREACHABLE = ReplyAction(Action.RETRY, "unreachable")
RATE_LIMITED = ReplyAction(Action.REQUEUE, "rate-limited", throttle=ThrottleAction.SLOW)
SERVICE_FAILED = ReplyAction(Action.RETRY, "service-failed")
REVOKED = ReplyAction(Action.REJECT, "revoked")
GONE = ReplyAction(Action.REJECT, "gone")
HOST_NOT_ALLOWED = ReplyAction(Action.REJECT, "host-not-allowed")
ADDRESS_UNREADABLE = ReplyAction(Action.REJECT, "address-unreadable")
MESSAGE_REFUSED = ReplyAction(Action.REJECT, "message-refused")

BY_CODE = {
    401: REVOKED,
    403: REVOKED,
    404: GONE,
    410: GONE,
    408: SERVICE_FAILED,
    429: RATE_LIMITED,
    502: REPLY_LOST,  # a proxy lost the answer of the service, which may have taken the message
    504: REPLY_LOST,
    NOT_ALLOWED: HOST_NOT_ALLOWED,
    UNREADABLE: ADDRESS_UNREADABLE,
}
# After these only a person can mend the channel. After others it fails once they go on for days.
FINAL_REASONS = frozenset({"revoked", "gone", "host-not-allowed", "address-unreadable"})


def classify_channel_reply(result: SendResult) -> ReplyAction:
    """Return what an answer means."""
    if result.code == NO_REPLY:
        return REPLY_LOST if result.stage is SmtpStage.DOT else UNREACHABLE
    if result.is_accepted:
        return ACCEPTED
    if known := BY_CODE.get(result.code):
        return known
    return SERVICE_FAILED if 500 <= result.code < 600 else MESSAGE_REFUSED
