"""How do ten thousand readers get their own mail at the price of one? Type is set once, names filled in.

`Plainly` renders every mail in full. `Press` renders each paper's card once, and once the page around them
for each shape of edition; it keeps both encoded and then only joins.
Both give the same bytes; a test compares them.
"""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Protocol

from digest.compose import pages
from digest.compose.cards import Personal, reason, why_lines
from digest.compose.links import verdicts
from digest.compose.message import assembled, digest_head, digest_message
from digest.compose.pages import Page
from digest.compose.render import Renderer
from digest.compose.stencil import Stencil, hole
from digest.compose.tongue import Tongue, tongue
from digest.model import Edition, Pick, Section

OWN = ("subject", "preheader", "headline", "because", "web", "preferences", "pause", "unsubscribe")
Stencils = tuple[Stencil, Stencil]  # text, HTML
MOST_CARDS = 20_000  # kept at once; a run has hundreds


class Printer(Protocol):
    """Turns an edition into the bytes that are sent."""

    def digest(self, edition: Edition, *, message_id: str = "") -> bytes:
        """The finished mail."""
        ...


class Plainly:
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
    text: Stencil
    html: Stencil
    more: str  # what its links sign, packed
    less: str

    def serves(self, pick: Pick, day: date) -> bool:
        """Is it this very paper with these very numbers, on the same day?"""
        return self.day == day and self.pick.paper is pick.paper and self.pick.heat is pick.heat


class Press:
    """One run's mails: what they share is rendered and encoded once."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._cards: dict[tuple[object, ...], SetCard] = {}
        self._pages: dict[tuple[object, ...], Stencils] = {}
        self._subjects: dict[str, str] = {}

    def digest(self, edition: Edition, *, message_id: str = "") -> bytes:
        """The finished mail."""
        site, links = self._renderer.site, self._renderer.links
        edition = self._renderer.fitted(edition)
        speaks = tongue(edition.subscriber.preferences.language)
        page = pages.edition_page(site, links, speaks, edition)
        page = replace(page, subject=self._subject(speaks, page))
        head = digest_head(page.subject, edition, site=site, links=links, message_id=message_id)
        text_cards, html_cards = self._filled_cards(speaks, edition)
        text, html = self._page(speaks, page, frozenset(text_cards))
        return assembled(
            head,
            text.fill(_values(page.in_columns()) | text_cards),
            html.fill(_values(page) | html_cards),
        )

    def _subject(self, speaks: Tongue, page: Page) -> str:
        """The subject as its template has it, which may put words around ours."""
        if speaks.code not in self._subjects:
            blank = Page(lang=speaks.code, subject=hole("subject"))
            self._subjects[speaks.code] = self._renderer.subject(speaks, "digest", page=blank)
        return " ".join(self._subjects[speaks.code].replace(hole("subject"), page.subject).split())

    def _filled_cards(self, speaks: Tongue, edition: Edition) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Each section's cards, joined: as text, as HTML."""
        text: dict[str, bytes] = {}
        html: dict[str, bytes] = {}
        for section in Section:
            picks = edition.section(section)
            if picks:
                filled = [self._card(speaks, edition, *numbered) for numbered in enumerate(picks, start=1)]
                text[section.value] = b"\r\n".join(card[0] for card in filled)
                html[section.value] = b"".join(card[1] for card in filled)
        return text, html

    def _card(self, speaks: Tongue, edition: Edition, number: int, pick: Pick) -> tuple[bytes, bytes]:
        told = reason(speaks, pick, edition.day) if pick.section is Section.PICKED else ""
        card = self._set_card(speaks, pick, number, edition.day, has_reason=bool(told))
        if pick.section is Section.ALSO_NEW:
            return card.text.fill({}), card.html.fill({})
        verdict = partial(self._renderer.links.verdict, edition.subscriber.pid)
        return (
            card.text.fill({"why": why_lines(speaks, told)}),
            card.html.fill({"why": told, "more": verdict(card.more), "less": verdict(card.less)}),
        )

    def _set_card(self, speaks: Tongue, pick: Pick, number: int, day: date, *, has_reason: bool) -> SetCard:
        place = number if pick.section is Section.TRENDING else 0
        key = (speaks.code, pick.section, place, pick.paper.id, has_reason)
        found = self._cards.get(key)
        if found is None or not found.serves(pick, day):
            if len(self._cards) >= MOST_CARDS:
                self._cards.clear()
            found = self._cards[key] = self._typeset(speaks, pick, number, day, has_reason=has_reason)
        return found

    def _typeset(self, speaks: Tongue, pick: Pick, number: int, day: date, *, has_reason: bool) -> SetCard:
        """The card with holes for what is one reader's own; what is hot is so for everyone."""
        if pick.section is Section.TRENDING:
            told = reason(speaks, pick, day)
            why, lines = told, why_lines(speaks, told)
        else:
            why = lines = hole("why") if has_reason else ""
        own = Personal(why=why, why_lines=lines, more=hole("more"), less=hole("less"))
        printed = partial(self._renderer.card, speaks, pick, number, own)
        return SetCard(
            pick,
            day,
            Stencil(printed("txt"), html=False),
            Stencil(printed("html"), html=True),
            *verdicts(pick.paper.id),
        )

    def _page(self, speaks: Tongue, page: Page, sections: frozenset[str]) -> Stencils:
        """The page around the cards, for editions of this shape."""
        key = (speaks.code, sections, page.weekly, page.notes, page.archive)
        if key not in self._pages:
            holes: dict[str, Any] = {name: hole(name) for name in (*OWN, *sections)}
            blank = replace(page, **holes)
            self._pages[key] = (
                Stencil(self._renderer.render(speaks, "digest/body.txt", page=blank), html=False),
                Stencil(self._renderer.render(speaks, "digest/body.html", page=blank), html=True),
            )
        return self._pages[key]


def _values(page: Page) -> dict[str, str | bytes]:
    return {name: getattr(page, name) for name in OWN}
