"""What came back? The bounce mailbox, read into the books: who is gone, complained, or left by mail."""

from datetime import datetime
from functools import partial

from digest import subscribers
from digest.app.services import House
from digest.delivery.bounces.mailbox import Reading, open_mailbox, read_bounces
from digest.mail.tokens import Purpose
from digest.models.errors import ConfigError, InvalidToken
from digest.subscribers import By


def hears_mail(house: House) -> bool:
    """Whether a bounce mailbox is set."""
    return bool(house.settings.bounce_mailbox.get_secret_value())


def read_returned(house: House, now: datetime) -> Reading:
    """Read the bounce mailbox; ConfigError when none is set."""
    url = house.settings.bounce_mailbox.get_secret_value()
    if not url:
        raise ConfigError(
            "Set DIGEST_BOUNCE_MAILBOX, like maildir:/var/mail/bounces or imaps://user:pass@host/INBOX."
        )

    def leave(token: str) -> bool:
        by = By(actor="reader", now=now, pepper=house.pepper)
        try:
            claim = house.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=by.now)
        except InvalidToken:
            return False  # forged: it counts among the ignored
        with house.store.begin() as tx:
            subscribers.unsubscribe(tx, claim.pid, by=by)
        return True

    with open_mailbox(url) as box:
        return read_bounces(box, partial(house.hear, now=now), keys=house.keyring, leave=leave)
