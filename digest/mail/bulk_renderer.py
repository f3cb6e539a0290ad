"""How do ten thousand readers get their own mail at the price of one? Type is set once, names filled in.

`Plainly` renders every mail in full. `Press` renders each paper's card once, and once the page around them
for each shape of edition; it keeps both encoded and then only joins.
Both give the same bytes; a test compares them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache, partial
from typing import Any

from markupsafe import escape

from digest.mail import layout
from digest.mail.cards import Personal, reason, why_lines
from digest.mail.layout import DigestLayout
from digest.mail.locale import Locale, get_locale
from digest.mail.mime import ReaderHeaders, assembled, digest_head, digest_message, linked_head
from digest.mail.precompiled import HOLE, EncodedTemplate, Values, hole
from digest.mail.quoted_printable import quoted
from digest.mail.renderer import LARGEST, Renderer, same
from digest.mail.tokens import Purpose, packed, verdicts
from digest.models import Edition, Pick, Section

OWN = ("subject", "preheader", "headline", "because")
SEALED = ("web", "preferences", "unsubscribe")  # links that end in letters of the reader's own
SEAL = 16  # letters
MOST_WHY = 600  # bytes that no reason exceeds in HTML
MOST_CARDS = 20_000  # kept at once; a run has hundreds
BETWEEN_CARDS = b"\r\n"
NO_REASON: tuple[list[bytes], list[bytes]] = ([], [])
NOTHING: Values = {}
Poured = dict[str, list[bytes]]


class SimpleRenderer:
    """Every mail from its templates, every time: right for one."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def digest(self, edition: Edition, *, message_id: str = "") -> bytes:
        """The finished mail."""
        site, links = self._renderer.site, self._renderer.links
        email = self._renderer.digest(edition)
        return digest_message(email, edition, site=site, links=links, message_id=message_id)


@dataclass(frozen=True, slots=True)
class SetCard:
    """A card's type, and the pick it was set for."""

    pick: Pick
    day: date
    text: EncodedTemplate
    html: EncodedTemplate
    more: bytes  # what its links sign, packed
    less: bytes
    opening: bytes
    weight: int  # bytes of HTML that no filling exceeds

    def serves(self, pick: Pick, day: date) -> bool:
        """Is it this very paper with these very numbers, on the same day?"""
        return self.day == day and same(self.pick.paper, pick.paper) and same(self.pick.heat, pick.heat)


Dealt = Mapping[Section, Sequence[tuple[SetCard, str]]]  # each section's cards, with the reader's reason


class BulkRenderer:
    """One run's mails: what they share is rendered and encoded once."""

    def __init__(self, renderer: Renderer, *, most_cards: int = MOST_CARDS) -> None:
        self._renderer = renderer
        self._most_cards = most_cards
        self._cards: dict[tuple[object, ...], SetCard] = {}
        self._pages: dict[tuple[object, ...], tuple[EncodedTemplate, EncodedTemplate]] = {}
        self._heads: dict[tuple[object, ...], list[str]] = {}
        self._subjects: dict[str, str] = {}

    def digest(self, edition: Edition, *, message_id: str = "") -> bytes:
        """The finished mail."""
        if not edition.picks:
            return SimpleRenderer(self._renderer).digest(edition, message_id=message_id)
        site, links = self._renderer.site, self._renderer.links
        speaks = get_locale(edition.subscriber.preferences.language)
        edition, dealt = self._fitting(speaks, edition)
        page = layout.edition_page(site, links, speaks, edition)
        subject = self._subject(speaks, page)
        own = linked_head(
            subject, edition, page.unsubscribe, page.preferences, site=site, message_id=message_id
        )
        text_cards, html_cards = self._poured(speaks, edition, dealt)
        text, html = self._page(speaks, page, edition.subscriber.pid, tuple(text_cards))
        filled = _filling(page, edition.subscriber.pid) | {"subject": subject}
        text_parts: list[bytes] = []
        html_parts: list[bytes] = []
        text.pour({**filled, **page.wrapped(), **text_cards}, text_parts)
        html.pour({**filled, **html_cards}, html_parts)
        return assembled(self._head(own, edition), text_parts, html_parts)

    def _fitting(self, speaks: Locale, edition: Edition) -> tuple[Edition, Dealt]:
        """The edition with its cards, trimmed in the rare case that it may be too large."""
        dealt = self._dealt(speaks, edition)
        weight = sum(card.weight for cards in dealt.values() for card, _ in cards)
        if weight + self._renderer.weight_around(speaks) <= LARGEST:
            return edition, dealt
        edition = self._renderer.fitted(edition)
        return edition, self._dealt(speaks, edition)

    def _dealt(self, speaks: Locale, edition: Edition) -> Dealt:
        dealt: dict[Section, list[tuple[SetCard, str]]] = {section: [] for section in Section}
        for pick in edition.picks:
            cards = dealt[pick.section]
            told = reason(speaks, pick, edition.day) if pick.section is Section.PICKED else ""
            cards.append((self._card(speaks, edition, pick, len(cards) + 1, has_reason=bool(told)), told))
        return dealt

    def _card(
        self, speaks: Locale, edition: Edition, pick: Pick, number: int, *, has_reason: bool
    ) -> SetCard:
        """The card's type, set when it is first needed."""
        place = number if pick.section is Section.TRENDING else 0
        width, opens = len(edition.subscriber.pid), edition.subscriber.preferences.clicks_may_teach
        key = (speaks.code, pick.section, place, pick.paper.id, has_reason, width, opens)
        found = self._cards.get(key)
        if found is None or not found.serves(pick, edition.day):
            if len(self._cards) >= self._most_cards:
                self._cards.clear()
            found = self._cards[key] = self._typeset(speaks, edition, pick, number, has_reason=has_reason)
        return found

    def _typeset(
        self, speaks: Locale, edition: Edition, pick: Pick, number: int, *, has_reason: bool
    ) -> SetCard:
        """What is hot is so for everyone and printed; why a paper was picked is one reader's own."""
        day, width = edition.day, len(edition.subscriber.pid)
        hot = reason(speaks, pick, day) if pick.section is Section.TRENDING else ""
        left_open = hole("why") if has_reason else ""
        more, less, opening = map(packed, (*verdicts(pick.paper.id), pick.paper.id))
        links, opens = self._renderer.links, edition.subscriber.preferences.clicks_may_teach
        link = partial(links.verdict_form, pid=hole("pid"))
        own = Personal(
            why=hot or left_open,
            why_lines=why_lines(speaks, hot) or left_open,
            more=link(more, seal=hole("more")),
            less=link(less, seal=hole("less")),
            href=links.opening_form(opening, pid=hole("pid"), seal=hole("opening")) if opens else "",
        )
        text, html = self._renderer.shown(speaks, pick, number, own, "txt", "html")
        widths = {"pid": width, "more": SEAL, "less": SEAL, "opening": SEAL}
        return SetCard(
            pick,
            day,
            EncodedTemplate(text, html=False, widths=widths),
            EncodedTemplate(html, html=True, widths=widths),
            more.encode(),
            less.encode(),
            opening.encode(),
            weight=len(html.encode()) + MOST_WHY + 2 * width,
        )

    def _poured(self, speaks: Locale, edition: Edition, dealt: Dealt) -> tuple[Poured, Poured]:
        """The cards of each section that has any, filled: as text, as HTML."""
        reader = edition.subscriber
        keys, pid = self._renderer.links.keys, reader.pid.encode()
        seal = keys.sealer(Purpose.VERDICT, reader.pid)
        opens = keys.sealer(Purpose.OPENING, reader.pid) if reader.preferences.clicks_may_teach else None
        text: Poured = {}
        html: Poured = {}
        for section, cards in dealt.items():
            if not cards:
                continue
            text_parts = text[section.value] = []
            html_parts = html[section.value] = []
            for card, told in cards:
                why_text, why_html = encoded_reason(speaks, told) if told else NO_REASON
                own: Values = NOTHING
                if section is not Section.ALSO_NEW:
                    own = {"pid": pid, "why": why_html, "more": seal(card.more), "less": seal(card.less)}
                in_text: Values = {"why": why_text}
                if opens:
                    title = {"pid": pid, "opening": opens(card.opening)}
                    own, in_text = {**own, **title}, {**in_text, **title}
                card.html.pour(own, html_parts)
                card.text.pour(in_text, text_parts)
                text_parts.append(BETWEEN_CARDS)
            text_parts.pop()
        return text, html

    def _subject(self, speaks: Locale, page: DigestLayout) -> str:
        """The subject as its template has it, which may put words around ours."""
        if speaks.code not in self._subjects:
            blank = DigestLayout(lang=speaks.code, subject=hole("subject"))
            self._subjects[speaks.code] = self._renderer.subject(speaks, "digest", page=blank)
        return " ".join(self._subjects[speaks.code].replace(hole("subject"), page.subject).split())

    def _page(
        self, speaks: Locale, page: DigestLayout, pid: str, sections: tuple[str, ...]
    ) -> tuple[EncodedTemplate, EncodedTemplate]:
        """The page around the cards, for editions of this shape."""
        links = _links(page, pid)
        key = (speaks.code, sections, page.weekly, page.notes, page.archive, len(pid), *links.values())
        if key not in self._pages:
            holes: dict[str, Any] = {name: hole(name) for name in (*OWN, *sections)} | links
            blank, widths = replace(page, **holes), {"pid": len(pid), **dict.fromkeys(SEALED, SEAL)}
            text, html = (
                self._renderer.render(speaks, f"digest/body.{part}", page=blank) for part in ("txt", "html")
            )
            self._pages[key] = (
                EncodedTemplate(text, html=False, widths=widths),
                EncodedTemplate(html, html=True, widths=widths),
            )
        return self._pages[key]

    def _head(self, own: ReaderHeaders, edition: Edition) -> str:
        key = (edition.day, edition.slot, edition.subscriber.preferences.language)
        if key not in self._heads:
            holes = ReaderHeaders(**{field.name: hole(field.name) for field in fields(ReaderHeaders)})
            head = digest_head(holes, edition, site=self._renderer.site, links=self._renderer.links)
            self._heads[key] = HOLE.split(head)
        pieces = self._heads[key].copy()
        pieces[1::2] = [getattr(own, name) for name in pieces[1::2]]
        return "".join(pieces)


@lru_cache(maxsize=4096)
def encoded_reason(speaks: Locale, told: str) -> tuple[list[bytes], list[bytes]]:
    """A reason as its lines of text and of HTML; many readers share theirs."""
    return [quoted(why_lines(speaks, told) + "\n")], [quoted(f"{escape(told)}\n")]


def _links(page: DigestLayout, pid: str) -> dict[str, str]:
    """The reader's links, with holes where their own letters stand."""
    own = {name: _holed(getattr(page, name), pid, name) for name in SEALED}
    return own | {"pause": own["preferences"] + page.pause.removeprefix(page.preferences)}


def _holed(url: str, pid: str, name: str) -> str:
    before, _, after = url.rpartition(".")[0].rpartition(f".{pid}")
    return f"{before}.{hole('pid')}{after}.{hole(name)}"


def _filling(page: DigestLayout, pid: str) -> dict[str, Any]:
    """What goes into the holes of a page."""
    seals = {name: getattr(page, name).rpartition(".")[2].encode() for name in SEALED}
    return {name: getattr(page, name) for name in OWN} | {"pid": pid.encode(), **seals}
