"""What can go wrong, and who answers for it?

DigestError
├── ConfigError            a setting is missing or makes no sense; the operator acts (exit 78)
├── SourceError            a source could not be read; the run goes on without it
│   └── SourceChanged      a source answered in a shape we do not know
├── StoreError             the database refused; nothing was half done
│   ├── StoreBusy          another sender holds this database (exit 75)
│   ├── LeaseLost          another worker has taken over our mail; stop at once
│   └── StoreTooNew        the database was written by a newer version of this program
├── DeliveryError          a mail did not go out
│   └── TemporaryFailure   the server may take it later
├── InvalidAddress         not an email address that we can write to (exit 2)
├── InvalidChange          a wish for interests, times or looks that makes no sense (exit 2)
│   └── NotAsThingsStand   a wish that makes sense, but not for this subscriber now
├── InvalidToken           a link is forged, truncated or for another purpose
│   └── LinkExpired        a link of ours that was good once
└── NotFound               no such subscriber, paper or edition
"""


class DigestError(Exception):
    """Something went wrong; the message is a sentence that says what to do next."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigError(DigestError):
    """A setting is missing or makes no sense."""


class SourceError(DigestError):
    """A source could not be read."""


class SourceChanged(SourceError):
    """A source answered in a shape we do not know."""


class StoreError(DigestError):
    """The database refused."""


class StoreBusy(StoreError):
    """Another sender holds this database; wait until it is done."""


class LeaseLost(StoreError):
    """Another worker has taken over the mail we were sending; this one stops at once."""


class StoreTooNew(StoreError):
    """This database was written by a newer version; upgrade the program or restore a backup."""


class DeliveryError(DigestError):
    """A mail did not go out."""


class TemporaryFailure(DeliveryError):
    """The mail server may take this mail later."""


class InvalidAddress(DigestError):
    """This is not an email address that we can write to."""


class InvalidChange(DigestError):
    """This cannot be set to that."""


class NotAsThingsStand(InvalidChange):
    """This subscriber does not allow that now."""


class InvalidToken(DigestError):
    """This link is not whole, or not valid any more. Take the one in your newest mail, all of it."""


class LinkExpired(InvalidToken):
    """This link has expired; please ask for a new one."""


class NotFound(DigestError):
    """There is no such thing here."""
