"""How does a ledger row become bytes? Its payload is rendered, addressed and put into an envelope."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from digest.db import Database
from digest.delivery.dkim import Signer
from digest.delivery.message import OutgoingMessage
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.mime import NoticeEnvelope, ascii_address, notice_id, notice_message
from digest.mail.renderer import Alert, Renderer
from digest.models import CONFIRM_WITHIN, Delivery, DeliveryKind, Edition, Email, Paper, Subscriber
from digest.models.errors import DeliveryError
from digest.pipeline.edition_payload import edition_from, heat_names, paper_ids

FRESH = 60.0  # seconds for which a paper is not read again: thousands of mails tell of it


class Pile:
    """The papers and heats that were read within the last minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self.papers: dict[str, Paper] = {}
        self.heats: dict[str, str] = {}
        self._asked: set[str] = set()  # of papers: there may be none of that name

    def fetch(self, store: Database, payloads: Iterable[Mapping[str, Any]]) -> None:
        """Read what is missing of what these payloads tell of."""
        if self._clock() > self._until:
            self.papers, self.heats, self._asked = {}, {}, set()
            self._until = self._clock() + FRESH
        told = [*payloads]
        papers = {name for payload in told for name in paper_ids(payload)} - self._asked
        heats = {name for payload in told for name in heat_names(payload)} - self.heats.keys()
        if papers or heats:
            with store.begin(write=False) as tx:
                self.papers |= tx.papers.by_ids(papers)
                self.heats |= tx.heats.of(heats)
            self._asked |= papers

    def drop(self) -> None:
        """Read everything anew: a run must not send what was revised before it began."""
        self._until = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBuilder:
    """Where letters are written: for the outbox when a delivery goes, for people when they preview."""

    store: Database
    renderer: Renderer
    press: BulkRenderer  # prints what many mails share once
    mail_from: Callable[[Delivery], str]  # the envelope sender, to which bounces return
    signer: Signer | None = None  # vouches for mails whose relay does not
    pile: Pile = field(default_factory=Pile)

    def start_anew(self) -> None:
        """A new run begins: what was read for the last one may have been revised."""
        self.pile.drop()

    def expect(self, deliveries: Iterable[Delivery]) -> None:
        """Read at once what all these will tell of: most papers are in many mails."""
        digests = (each.payload for each in deliveries if each.kind is DeliveryKind.DIGEST)
        self.pile.fetch(self.store, digests)

    def write(self, delivery: Delivery) -> OutgoingMessage | None:
        """The letter of a delivery, or None when there is nothing left to say to its reader."""
        raw = self._raw(delivery)
        if raw is None:
            return None
        to = delivery.address if delivery.address.isascii() else ascii_address(delivery.address)
        return OutgoingMessage(
            raw=raw,
            mail_from=self.mail_from(delivery),
            rcpt_to=to,
            smtputf8=not to.isascii(),  # only for the part before the @: a domain travels in ASCII
            envelope_id=delivery.pid,
            dotless=True,  # as quoted-printable is written here, and headers never begin with one
        )

    def digest(self, edition: Edition) -> bytes:
        """The bytes of an edition: the same for a preview and for the mail."""
        return self._signed(self.press.digest(edition))

    def email(self, edition: Edition) -> Email:
        """What the reader of an edition sees."""
        return self.renderer.digest(edition) if edition.picks else self.renderer.empty_day(edition)

    def _raw(self, delivery: Delivery) -> bytes | None:
        if delivery.kind is DeliveryKind.ADMIN:
            return self._posted(delivery, self.renderer.admin_alert(_alert(delivery)))
        reader = delivery.reader or self._reader(delivery)
        if reader is None:
            return None  # erased since it was planned
        if delivery.kind is DeliveryKind.DIGEST and delivery.day is not None:
            return self.digest(self._edition(delivery, delivery.day, reader))
        asks = delivery.payload["mail"] == "confirm"
        refuse = self.renderer.links.unsubscribe(reader.pid) if asks else ""
        return self._posted(
            delivery, self._notice(delivery, reader), reader.preferences.language, refuse=refuse
        )

    def _edition(self, delivery: Delivery, day: date, reader: Subscriber) -> Edition:
        self.pile.fetch(self.store, [delivery.payload])
        papers, heats = self.pile.papers, self.pile.heats
        return edition_from(
            delivery.payload, day=day, slot=delivery.slot, subscriber=reader, papers=papers, heats=heats
        )

    def _reader(self, delivery: Delivery) -> Subscriber | None:
        with self.store.begin(write=False) as tx:
            return tx.subscribers.by_ids([delivery.subscriber_id or 0]).get(delivery.subscriber_id or 0)

    def _posted(self, delivery: Delivery, email: Email, language: str = "en", *, refuse: str = "") -> bytes:
        site = self.renderer.site
        name = notice_id(site, delivery.key)
        posting = NoticeEnvelope(
            to=delivery.address, at=delivery.slot, message_id=name, language=language, refuse=refuse
        )
        return self._signed(notice_message(email, posting, site=site))

    def _signed(self, raw: bytes) -> bytes:
        return self.signer.signed(raw) if self.signer else raw

    def _notice(self, delivery: Delivery, reader: Subscriber) -> Email:
        expires = delivery.slot + CONFIRM_WITHIN
        hours = int(CONFIRM_WITHIN.total_seconds() // 3600)
        links, renderer = self.renderer.links, self.renderer
        mail = str(delivery.payload["mail"])
        if mail == "confirm":
            return renderer.confirm(reader, links.confirm(reader.pid, expires=expires), hours=hours)
        if mail == "address_change":
            address = str(delivery.payload["address"])
            url = links.confirm(reader.pid, expires=expires, extra=address)
            return renderer.address_change(reader, address, url, hours=hours)
        if mail == "welcome":
            return renderer.welcome(reader, first=reader.next_due)
        if mail == "goodbye":
            return renderer.goodbye(reader)
        raise DeliveryError(f"There is no mail called {mail!r}.")


def _alert(delivery: Delivery) -> Alert:
    told = delivery.payload
    facts = told.get("facts", ())
    return Alert(
        title=str(told["title"]),
        facts=tuple(map(str, facts if isinstance(facts, list | tuple) else ())),
        advice=str(told.get("advice", "")),
    )
