"""Signed single-use tickets of the sign-up form, against scripts.

A ticket holds when the form was made, how many seconds it must at least be open, and how many leading zero
bits a proof of work needs to skip that time. Nothing is stored until a ticket is used.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from hmac import compare_digest

from digest.models.errors import InvalidToken

MIN_READING_SECONDS = 2  # nobody fills in the form faster
FLOOD_WAIT_SECONDS = 30  # during a flood, for browsers without JavaScript
FLOOD_WORK_BITS = 16  # 2^16 hashes: about a second in a browser
TICKET_LIFETIME = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The content of a verified ticket."""

    made_at: datetime
    nonce: str
    wait: int  # seconds
    work: int  # bits

    def has_waited(self, now: datetime) -> bool:
        """Return True if the form was open for long enough."""
        return now - self.made_at >= timedelta(seconds=self.wait)


class TicketIssuer:
    """Issues and verifies tickets with a key derived from the secret key."""

    def __init__(self, secret: bytes) -> None:
        self._key = blake2b(secret, person=b"digest.tickets").digest()

    def issue(self, now: datetime, *, wait: int = MIN_READING_SECONDS, work: int = 0) -> str:
        """Return a new ticket."""
        body = f"{int(now.timestamp() * 1000)}.{secrets.token_urlsafe(9)}.{wait}.{work}"
        return f"{body}.{self._mac(body)}"

    def verify(self, text: str, now: datetime) -> Ticket:
        """Return the content of a ticket. Raises InvalidToken if it is forged, cut or too old."""
        body, _, mac = text.rpartition(".")
        if not compare_digest(self._mac(body).encode(), mac.encode(errors="replace")):
            raise InvalidToken
        made, nonce, wait, work = body.split(".")
        ticket = Ticket(datetime.fromtimestamp(int(made) / 1000, UTC), nonce, int(wait), int(work))
        if now >= ticket.made_at + TICKET_LIFETIME:
            raise InvalidToken("This form was open for too long.")
        return ticket

    def _mac(self, body: str) -> str:
        return blake2b(body.encode(errors="replace"), key=self._key, digest_size=16).hexdigest()


def is_work_done(ticket: str, answer: str, bits: int) -> bool:
    """Return True if SHA-256 of `ticket:answer` begins with *bits* zero bits; with 0 bits asked, False."""
    if not bits or not answer or len(answer) > 20:
        return False
    digest = sha256(f"{ticket}:{answer}".encode(errors="replace")).digest()
    return int.from_bytes(digest) >> (256 - bits) == 0
