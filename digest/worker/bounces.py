"""What came back? The bounce mailbox, read into the books: who is gone, complained, or left by mail."""

from datetime import datetime
from functools import partial

from digest import subscribers
from digest.app.services import Services
from digest.delivery.bounces.mailbox import BounceRunSummary, open_mailbox, read_bounces
from digest.mail.tokens import Purpose
from digest.models.errors import ConfigError, InvalidToken
from digest.subscribers import Actor


def hears_mail(services: Services) -> bool:
    """Whether a bounce mailbox is set."""
    return bool(services.settings.bounce_mailbox.get_secret_value())


def read_returned(services: Services, now: datetime) -> BounceRunSummary:
    """Read the bounce mailbox; ConfigError when none is set."""
    url = services.settings.bounce_mailbox.get_secret_value()
    if not url:
        raise ConfigError(
            "Set DIGEST_BOUNCE_MAILBOX, like maildir:/var/mail/bounces or imaps://user:pass@host/INBOX."
        )

    def leave(token: str) -> bool:
        by = Actor(actor="reader", now=now, suppression_key=services.suppression_key)
        try:
            claim = services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=by.now)
        except InvalidToken:
            return False  # forged: it counts among the ignored
        with services.store.begin() as tx:
            subscribers.unsubscribe(tx, claim.pid, by=by)
        return True

    with open_mailbox(url) as box:
        return read_bounces(box, partial(services.hear, now=now), keys=services.keyring, leave=leave)
