"""Reading of the bounce mailbox: bounces, complaints, and messages that unsubscribe."""

from contextlib import suppress
from datetime import datetime
from functools import partial

from digest import subscribers
from digest.app.services import Services
from digest.delivery.bounces.mailbox import BounceRunSummary, open_mailbox, read_bounces
from digest.mail.tokens import Purpose
from digest.models import SuppressionReason
from digest.models.errors import ConfigError, InvalidToken, NotFound


def read_bounce_mailbox(services: Services, now: datetime) -> BounceRunSummary:
    """Read the bounce mailbox and record what is in it. Raises ConfigError when none is set."""
    url = services.settings.bounce_mailbox.get_secret_value()
    if not url:
        raise ConfigError(
            "Set DIGEST_BOUNCE_MAILBOX, like maildir:/var/mail/bounces or imaps://user:pass@host/INBOX."
        )

    def find(token: str) -> str:
        return services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=now).public_id

    def unsubscribe(token: str) -> bool:
        with suppress(InvalidToken), services.store.begin() as tx:  # forged: it counts as ignored
            subscribers.unsubscribe(tx, find(token), actor=services.actor("reader", now))
            return True
        return False

    def complain(token: str) -> bool:
        actor = services.actor("delivery", now)
        with suppress(InvalidToken, NotFound), services.store.begin() as tx:  # forged, or erased meanwhile
            address = tx.subscribers.get_by_public_id(find(token)).address
            return subscribers.suppress(tx, address, reason=SuppressionReason.COMPLAINT, actor=actor)
        return False

    with open_mailbox(url) as mailbox:
        return read_bounces(
            mailbox,
            partial(services.record_bounce, now=now),
            keys=services.signing_keys,
            unsubscribe=unsubscribe,
            complain=complain,
        )
