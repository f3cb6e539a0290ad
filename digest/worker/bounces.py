"""Reading of the bounce mailbox: bounces, complaints, and messages that unsubscribe."""

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

    def unsubscribe(token: str) -> bool:
        actor = services.actor("reader", now)
        try:
            claim = services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=now)
        except InvalidToken:
            return False  # forged: it counts as ignored
        with services.store.begin() as tx:
            subscribers.unsubscribe(tx, claim.public_id, actor=actor)
        return True

    def complain(token: str) -> bool:
        actor = services.actor("delivery", now)
        try:
            claim = services.links.keys.verify(Purpose.UNSUBSCRIBE, token, now=now)
            with services.store.begin() as tx:
                address = tx.subscribers.get_by_public_id(claim.public_id).address
                return subscribers.suppress(tx, address, reason=SuppressionReason.COMPLAINT, actor=actor)
        except (InvalidToken, NotFound):
            return False  # forged, or erased meanwhile

    record_bounce = partial(services.record_bounce, now=now)
    with open_mailbox(url) as mailbox:
        return read_bounces(
            mailbox,
            record_bounce,
            keys=services.signing_keys,
            unsubscribe=unsubscribe,
            complain=complain,
        )
