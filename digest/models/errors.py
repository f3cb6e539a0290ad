"""The exceptions of this program, and who acts on each.

DigestError
├── ConfigError            a setting is missing or invalid; the operator acts (exit 78)
├── SourceError            a source could not be fetched; the run goes on without it
│   └── SourceChanged      a source answered in an unknown format
├── StoreError             the database refused; the transaction was rolled back
│   ├── StoreBusy          another sender holds this database (exit 75)
│   ├── LeaseLost          another worker has taken over our deliveries; stop at once
│   └── StoreTooNew        the database was written by a newer version of this program
├── DeliveryError          a message was not sent
├── InvalidAddress         not an email address that can get mail (exit 2)
├── InvalidChange          an invalid value for interests, schedule or preferences (exit 2)
│   └── StateConflict      a valid change that the state of the subscriber does not allow
├── InvalidToken           the token of a link is forged, truncated or for another purpose
│   ├── LinkExpired        the token was valid once
│   └── PreviewLink        the token stands in the preview of a digest for nobody
├── SealBroken             a stored secret does not open; it must be entered again
└── NotFound               no such subscriber, paper or edition
"""

from typing import Self, TypeVar

T = TypeVar("T")


class Phrase:
    """A part of a message, which is translated with it and may hold `%(name)s` itself."""

    def __init__(self, template: str, **names: object) -> None:
        self.template, self.names = template, names

    def __str__(self) -> str:
        return self.template % self.names if self.names else self.template


class DigestError(Exception):
    """Base of all errors; the message says what is wrong, then what to do. By default it is the docstring.

    *names* fill in the message, which may hold `%(name)s`; `template` and `names` are kept for a translation.
    """

    def __init__(self, message: str | None = None, **names: object) -> None:
        self.template = message or (type(self).__doc__ or "").strip()
        self.names = names
        super().__init__(self.template % names if names else self.template)

    command = ""  # a sentence that only commands add
    call = ""  # a sentence that only the API adds

    def advise(self, *, command: str, call: str) -> Self:
        """Add what to do, which depends on who asks: a *command*, or a *call* of the API."""
        self.command, self.call = command, call
        return self


class ConfigError(DigestError):
    """A setting is missing or invalid."""


class SourceError(DigestError):
    """A source could not be read."""


class SourceChanged(SourceError):
    """A source answered in an unknown format."""


class StoreError(DigestError):
    """The database refused."""


class StoreBusy(StoreError):
    """Another process is sending from this database; wait until it is done."""


class LeaseLost(StoreError):
    """Another worker has taken over these deliveries; this process stops."""


class StoreTooNew(StoreError):
    """This database was written by a newer version; upgrade the program or restore a backup."""


class DeliveryError(DigestError):
    """An email was not sent."""


class InvalidAddress(DigestError):
    """This is not an email address that we can write to."""


class InvalidChange(DigestError):
    """This value is not allowed here."""


class StateConflict(InvalidChange):
    """The subscriber's current status does not allow this. Check it first, then try again."""


class InvalidToken(DigestError):
    """This link is incomplete or no longer valid. Use the whole link from your latest email."""


class PreviewLink(InvalidToken):
    """It is part of a preview of a digest, so it belongs to no subscriber and changes nothing."""


class LinkExpired(InvalidToken):
    """This link has expired; please ask for a new one."""


class SealBroken(DigestError):
    """This was encrypted under another DIGEST_SECRET_KEY, or is damaged; enter it again."""


class NotFound(DigestError):
    """Nothing with this name or number exists. Check the spelling."""


def require(found: T | None, missing: str) -> T:
    """Return what was found. Raises NotFound with the sentence *missing* for None."""
    if found is None:
        raise NotFound(missing)
    return found
