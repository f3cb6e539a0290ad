"""Links by which administrators sign in: queued as a mail, and verified when they come back."""

from datetime import datetime

from digest.db import Transaction
from digest.mail.tokens import Keys, Purpose
from digest.models import DeliveryKind, NewDelivery
from digest.models.administrators import (
    INVITATION_LIFETIME,
    SIGN_IN_LINK_LIFETIME,
    Administrator,
    get_link_key,
)
from digest.models.errors import LinkExpired


def queue_link(tx: Transaction, administrator: Administrator, *, invited_by: str = "", now: datetime) -> bool:
    """Queue the mail with a link to sign in; with *invited_by*, a name, it is an invitation.

    At most one is queued a minute, unless the one before was used; return whether this one was.
    """
    lifetime = INVITATION_LIFETIME if invited_by else SIGN_IN_LINK_LIFETIME
    delivery = NewDelivery(
        kind=DeliveryKind.ADMIN,
        key=f"{get_link_key(administrator)}{administrator.links_used}/{now:%Y-%m-%dT%H:%M}",
        subscriber_id=None,
        address=administrator.address,
        slot=now,
        not_before=now,
        not_after=now + lifetime,
        payload={
            "administrator": administrator.public_id,
            **({"invited_by": invited_by} if invited_by else {}),
        },
    )
    return tx.deliveries.enqueue([delivery], now=now) == 1


def verify_link(tx: Transaction, keys: Keys, token: str, *, now: datetime) -> Administrator:
    """Return whose link this is.

    Raises:
        InvalidToken: the token is forged or cut.
        LinkExpired: it is too old, was used, or the person does not administer any more.

    """
    try:
        claim = keys.verify(Purpose.ADMINISTRATION, token, now=now)
    except LinkExpired as error:
        raise LinkExpired("This link has expired. Request a new one on the sign-in page.") from error
    administrator = tx.administrators.find(claim.public_id)
    if administrator is None or claim.extra != str(administrator.links_used):
        raise LinkExpired("This link has already been used. Request a new one on the sign-in page.")
    return administrator
