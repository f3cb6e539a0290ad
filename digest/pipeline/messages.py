"""Messages built from queued deliveries: payload rendered, addressed and put into an envelope."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, filterfalse
from typing import Any

from pydantic import TypeAdapter

from digest.db import Database
from digest.delivery.channels.transport import ChannelMessage
from digest.delivery.dkim import Signer
from digest.delivery.message import OutgoingMessage
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.channel_text import TextForm, render_channel_digest, render_channel_greeting
from digest.mail.mime import ascii_address, build_notice_message
from digest.mail.renderer import AdministrationLink, Alert, Renderer
from digest.models import CONFIRM_TTL, Delivery, DeliveryKind, Edition, Email, Paper, Subscriber
from digest.models.administrators import INVITATION_LIFETIME, SIGN_IN_LINK_LIFETIME
from digest.models.channels import ChannelKind
from digest.models.editions import EditionRows
from digest.models.errors import DeliveryError, SealBroken
from digest.models.schedule import find_following_slot, is_due_on_confirming, is_paused
from digest.models.sealing import Sealer
from digest.pipeline.edition_payload import get_heat_names, get_paper_ids, read_rows

CHANNEL_TEXTS = {  # the form of the text, and how long one message may be, with room for what a service adds
    ChannelKind.SLACK: (TextForm.SLACK, 9000),
    ChannelKind.DISCORD: (TextForm.MARKDOWN, 1700),
    ChannelKind.TELEGRAM: (TextForm.MARKDOWN, 3500),
    ChannelKind.MATRIX: (TextForm.MARKDOWN, 9000),
    ChannelKind.MATTERMOST: (TextForm.MARKDOWN, 3500),
    ChannelKind.ZULIP: (TextForm.MARKDOWN, 9000),
    ChannelKind.NTFY: (TextForm.PLAIN, 1800),
    ChannelKind.WEBHOOK: (TextForm.PLAIN, 20_000),
}
_ALERTS = TypeAdapter(tuple[Alert, ...])
CACHE_SECONDS = 60.0  # for so long a paper is not read again: thousands of messages contain it


class PaperCache:
    """The papers and heats that were read within the last minute."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._expires = 0.0
        self.papers: dict[str, Paper] = {}
        self.heats: dict[str, str] = {}
        self._looked_up: set[str] = set()  # ids of papers, also of those that do not exist

    def load(self, store: Database, payloads: Iterable[Mapping[str, Any]]) -> None:
        """Read the papers and heats of these payloads that are not here yet."""
        if self._clock() > self._expires:
            self.papers, self.heats, self._looked_up = {}, {}, set()
            self._expires = self._clock() + CACHE_SECONDS
        needed = [*payloads]
        papers = {*filterfalse(self._looked_up.__contains__, chain(*map(get_paper_ids, needed)))}
        heats = {*filterfalse(self.heats.__contains__, chain(*map(get_heat_names, needed)))}
        if papers or heats:
            with store.begin(write=False) as tx:
                self.papers |= tx.papers.get_by_ids(papers)
                self.heats |= tx.heats.get(heats)
            self._looked_up |= papers

    def clear(self) -> None:
        """Read everything anew: a run must not send what was revised before it began."""
        self._expires = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageBuilder:
    """Builds messages, for the delivery queue and for previews."""

    store: Database
    renderer: Renderer
    bulk_renderer: BulkRenderer  # renders once what many messages share
    mail_from: Callable[[Delivery], str]  # the envelope sender, to which bounces return
    signer: Signer | None = None  # DKIM, for relays that do not sign
    sealer: Callable[[], Sealer]  # opens the addresses of channels
    cache: PaperCache = field(default_factory=PaperCache)

    def preload(self, deliveries: Iterable[Delivery]) -> None:
        """Read the papers of all these deliveries at once: most papers are in many messages."""
        digests = (item.payload for item in deliveries if item.kind is DeliveryKind.DIGEST)
        self.cache.load(self.store, digests)

    def build(self, delivery: Delivery) -> OutgoingMessage | None:
        """Return the message of a delivery; None if its subscriber was erased.

        Raises:
            DeliveryError: there is no message of that name.
        """
        if delivery.channel_id is not None:
            return self._build_channel_message(delivery, delivery.channel_id)
        raw = self._build_raw(delivery)
        if raw is None:
            return None
        to = delivery.address if delivery.address.isascii() else ascii_address(delivery.address)
        return OutgoingMessage(
            raw=raw,
            mail_from=self.mail_from(delivery),
            rcpt_to=to,
            smtputf8=not to.isascii(),  # only for the part before the @: a domain travels in ASCII
            envelope_id=delivery.public_id,
            dotless=True,  # our quoted-printable begins no line with a dot, and no header does
        )

    def build_digest(self, edition: Edition | EditionRows) -> bytes:
        """Return the message of an edition: the same bytes for a preview and for the mail."""
        return self._sign(self.bulk_renderer.render_digest(edition))

    def render_email(self, edition: Edition) -> Email:
        """Return subject, text and HTML of an edition."""
        return self.bulk_renderer.render_email(edition)

    def _build_raw(self, delivery: Delivery) -> bytes | None:
        if delivery.kind is DeliveryKind.ADMIN:
            return self._build_admin_notice(delivery)
        reader = delivery.reader or self._load_reader(delivery)
        if reader is None:
            return None  # erased since it was planned
        if delivery.kind is DeliveryKind.DIGEST and delivery.day is not None:
            return self.build_digest(self._load_rows(delivery, delivery.day, reader))
        asks = delivery.payload["mail"] == "confirm"
        return self._build_notice(
            delivery,
            self._render_notice(delivery, reader),
            reader.preferences.language,
            unsubscribe_url=self.renderer.links.unsubscribe_url(reader.public_id) if asks else "",
        )

    def _build_admin_notice(self, delivery: Delivery) -> bytes | None:
        public_id = delivery.payload.get("administrator")
        if public_id is None:
            # An alert that an earlier version queued has one problem, in the payload itself.
            alerts = _ALERTS.validate_python(delivery.payload.get("problems", [delivery.payload]))
            return self._build_notice(delivery, self.renderer.render_admin_alert(*alerts))
        with self.store.begin(write=False) as tx:
            person = tx.administrators.find(str(public_id))
        if person is None:
            return None  # removed since it was queued
        invited_by = str(delivery.payload.get("invited_by", ""))
        lifetime = INVITATION_LIFETIME if invited_by else SIGN_IN_LINK_LIFETIME
        links, expires = self.renderer.links, delivery.slot + lifetime
        link = AdministrationLink(
            url=links.administration_url(person.public_id, person.links_used, expires=expires),
            name=person.name,
            role=person.role,
            valid_for="seven days" if invited_by else "one hour",
            invited_by=invited_by,
        )
        return self._build_notice(delivery, self.renderer.render_administration_link(link))

    def _build_channel_message(self, delivery: Delivery, channel_id: int) -> ChannelMessage | None:
        """Return the message of a delivery to a channel; None if subscriber or channel are gone."""
        with self.store.begin(write=False) as tx:
            channel = tx.channels.find(channel_id)
        reader = delivery.reader or self._load_reader(delivery)
        if reader is None or channel is None:
            return None
        site, links = self.renderer.site, self.renderer.links
        form, max_chars = CHANNEL_TEXTS[channel.kind]
        if delivery.kind is DeliveryKind.DIGEST and delivery.day is not None:
            edition = self._load_rows(delivery, delivery.day, reader).to_edition()
            if not edition.picks:
                return None  # all its papers were withdrawn since
            title, text = render_channel_digest(
                edition, site=site, links=links, max_chars=max_chars, form=form
            )
        else:
            title, text = render_channel_greeting(reader, site=site, links=links, form=form)
        try:
            url = self.sealer().open(channel.sealed_url)
        except SealBroken:
            url = ""  # the transport refuses it, which marks the channel as failed
        return ChannelMessage(
            raw=text.encode(),
            title=title,
            is_markdown=form is not TextForm.PLAIN,
            mail_from="",
            rcpt_to=url,
        )

    def _load_rows(self, delivery: Delivery, day: date, reader: Subscriber) -> EditionRows:
        self.cache.load(self.store, [delivery.payload])
        papers, heats = self.cache.papers, self.cache.heats
        return read_rows(
            delivery.payload, day=day, slot=delivery.slot, subscriber=reader, papers=papers, heats=heats
        )

    def _load_reader(self, delivery: Delivery) -> Subscriber | None:
        with self.store.begin(write=False) as tx:
            return tx.subscribers.get_by_ids([delivery.subscriber_id or 0]).get(delivery.subscriber_id or 0)

    def _build_notice(
        self, delivery: Delivery, email: Email, language: str = "en", *, unsubscribe_url: str = ""
    ) -> bytes:
        raw = build_notice_message(
            email,
            to=delivery.address,
            at=delivery.slot,
            key=delivery.key,
            site=self.renderer.site,
            language=language,
            unsubscribe_url=unsubscribe_url,
        )
        return self._sign(raw)

    def _sign(self, raw: bytes) -> bytes:
        return self.signer.sign(raw) if self.signer else raw

    def _render_notice(self, delivery: Delivery, reader: Subscriber) -> Email:
        expires = delivery.slot + CONFIRM_TTL
        hours = int(CONFIRM_TTL.total_seconds() // 3600)
        links, renderer = self.renderer.links, self.renderer
        mail = str(delivery.payload["mail"])
        if mail == "confirm":
            url = links.confirm_url(reader.public_id, expires=expires)
            return renderer.render_confirmation(reader, url, hours=hours)
        if mail == "address_change":
            address = str(delivery.payload["address"])
            url = links.confirm_url(reader.public_id, expires=expires, extra=address)
            return renderer.render_address_change(reader, address, url, hours=hours)
        if mail == "welcome":
            reader = self._load_reader(delivery) or reader  # with the profile, which a claim leaves out
            waits = is_due_on_confirming(reader)
            coming = find_following_slot(reader, delivery.slot) if waits else reader.next_due
            at_once = delivery.slot == reader.confirmed_at and not is_paused(reader.schedule, delivery.slot)
            return renderer.render_welcome(reader, coming=coming, at_once=at_once)
        if mail == "goodbye":
            return renderer.render_goodbye(reader)
        raise DeliveryError(f"There is no message called {mail!r}.")
