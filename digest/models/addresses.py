"""When are two addresses one mailbox, and how is one written on the wire?"""

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from digest.models.errors import InvalidAddress


def key_of(mailbox: str, *, suppression_key: bytes) -> str:
    """The name under which an address is suppressed; without the pepper nobody can tell whose it is.

    `mailbox` is the one spelling that all spellings of an address share, as subscribers keep it.
    """
    return hmac.new(suppression_key, mailbox.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Address:
    """One address in its three spellings."""

    shown: str  # as people read it, in NFC
    wire: str  # as SMTP takes it; ASCII, unless the part before the @ is not
    mailbox: str  # the same for every spelling of one mailbox: no case, the domain in IDNA

    @property
    def domain(self) -> str:
        """The receiving domain, in ASCII."""
        return self.wire.rpartition("@")[2]


@lru_cache(maxsize=8192)  # an import meets each address several times
def parse_address(text: str) -> Address:
    """Read an address; InvalidAddress with a sentence for people when mail cannot be written to it."""
    try:
        found = validate_email(text.strip(), check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(f"This is not an email address that we can write to: {error}") from error
    local, domain = found.local_part, str(found.ascii_domain).lower()
    return Address(
        shown=found.normalized,
        wire=found.ascii_email or f"{local}@{domain}",
        mailbox=f"{local.casefold()}@{domain}",
    )


def address_key(secret: bytes, address: str) -> str:
    """The keyed hash by which a suppression knows a mailbox; without the secret it says nothing."""
    return key_of(parse_address(address).mailbox, suppression_key=secret)
