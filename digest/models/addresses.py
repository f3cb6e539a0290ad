"""Email addresses: parsing, the spelling used on the wire, and keyed hashes of mailboxes."""

import hmac
import re
from dataclasses import dataclass
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from digest.models.errors import InvalidAddress, Phrase
from digest.models.text import strip_unseen


def hash_mailbox(mailbox: str, *, suppression_key: bytes) -> str:
    """Return the keyed hash under which a mailbox is suppressed; it cannot be reversed without the key.

    *mailbox* is `Address.mailbox`, the form shared by all spellings of an address.
    """
    return hmac.digest(suppression_key, mailbox.encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Address:
    """One email address in its three spellings."""

    display: str  # as people read it, in NFC
    wire: str  # as SMTP takes it; ASCII, unless the part before the @ is not
    mailbox: str  # the same for every spelling of one mailbox: no case, the domain in IDNA

    @property
    def domain(self) -> str:
        """The receiving domain, in ASCII."""
        return self.wire.rpartition("@")[2]


@lru_cache(maxsize=8192)  # an import meets each address several times
def parse_address(text: str) -> Address:
    """Parse an address without asking the DNS.

    Raises:
        InvalidAddress: no mail can be sent to it; the message says why.
    """
    try:
        valid = validate_email(strip_unseen(text), check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(
            "This is not an email address that we can write to: %(why)s", why=_find_reason(str(error))
        ) from error
    local, domain = valid.local_part, str(valid.ascii_domain).lower()
    return Address(
        display=valid.normalized,
        wire=valid.ascii_email or f"{local}@{domain}",
        mailbox=f"{local.casefold()}@{domain}",
    )


# By words in what email-validator says; the first that fits counts.
_REASONS = {
    "should have a period": Phrase("there is no dot after the @."),
    "top-level domain": Phrase("the part after the @ does not end in a valid domain."),
    "special-use": Phrase("the part after the @ cannot receive email."),
    "must have an @": Phrase("there is no @ in it."),
    r"at-sign \(@\)|small commercial at": Phrase("it has a different character in place of the @."),
    "something before": Phrase("there is nothing before the @."),
    "something after": Phrase("there is nothing after the @."),
    "too long|so many characters": Phrase("it is too long."),
    "period|hyphen": Phrase("a dot or a hyphen is in the wrong place."),
    "display name|angle bracket|anything after": Phrase("write only the address, without a name."),
    "brackets|bracketed": Phrase("the part after the @ is not a domain."),
    "after the @|IDNA": Phrase("the part after the @ contains a character that is not allowed."),
    "": Phrase("it contains a character that is not allowed."),
}


def _find_reason(said: str) -> Phrase:
    return next(reason for words, reason in _REASONS.items() if re.search(words, said))


def hash_address(secret: bytes, address: str) -> str:
    """Return the keyed hash under which the mailbox of *address*, in any spelling, is suppressed."""
    return hash_mailbox(parse_address(address).mailbox, suppression_key=secret)
