"""Was this form opened by someone who took the time to read it? Signed, single-use tickets.

A ticket says when the form was made, how long it must at least lie open, and how many leading zero
bits a proof of work must have to skip the waiting. Nothing is stored until a ticket is used.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest

from digest.models.errors import InvalidToken

READING = 2  # seconds nobody needs less of to fill in the form
PATIENCE = 30  # seconds to wait during a flood, for those without JavaScript
WORK = 16  # bits: about a second in a browser, 2^16 hashes
LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a genuine ticket says."""

    made_at: datetime
    nonce: str
    wait: int
    work: int

    @property
    def expires(self) -> datetime:
        """When it can no longer be used."""
        return self.made_at + LIFETIME

    def has_waited(self, now: datetime) -> bool:
        """Whether the form lay open for long enough."""
        return now - self.made_at >= timedelta(seconds=self.wait)


class Tickets:
    """Makes and reads tickets with a key derived from the house's own."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, person=b"digest.tickets").digest()

    def issue(self, now: datetime, *, wait: int = READING, work: int = 0) -> str:
        """A new ticket."""
        body = f"{int(now.timestamp() * 1000)}.{secrets.token_urlsafe(9)}.{wait}.{work}"
        return f"{body}.{self._mac(body)}"

    def read(self, text: str, now: datetime) -> Ticket:
        """What the ticket says, or InvalidToken if it is forged, cut or too old."""
        body, _, mac = text.rpartition(".")
        if not compare_digest(self._mac(body).encode(), mac.encode(errors="replace")):
            raise InvalidToken
        made, nonce, wait, work = body.split(".")
        ticket = Ticket(datetime.fromtimestamp(int(made) / 1000, UTC), nonce, int(wait), int(work))
        if now >= ticket.expires:
            raise InvalidToken("This form lay open for too long.")
        return ticket

    def _mac(self, body: str) -> str:
        return blake2b(body.encode(errors="replace"), key=self._key, digest_size=16).hexdigest()


def is_worked(ticket: str, answer: str, bits: int) -> bool:
    """Whether SHA-256 of `ticket:answer` begins with so many zero bits; no work asked is no proof."""
    if not bits or not answer or len(answer) > 20:
        return False
    found = sha256(f"{ticket}:{answer}".encode(errors="replace")).digest()
    return int.from_bytes(found) >> (256 - bits) == 0
