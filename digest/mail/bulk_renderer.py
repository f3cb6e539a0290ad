"""Rendering of many digests at once: what readers share is rendered and encoded once, then filled in.

`SimpleRenderer` renders every mail in full. `BulkRenderer` renders each paper's card once, and the page
around the cards once for each shape of edition; it keeps both encoded and only joins them for each reader.
Both give the same bytes; a test compares them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from typing import Any

from markupsafe import escape

from digest.mail.cards import PersonalFields, build_personal_fields, explain_pick, wrap_reason
from digest.mail.layout import DigestLayout, build_edition_layout
from digest.mail.locale import Locale, get_locale
from digest.mail.mime import (
    ReaderHeaders,
    assemble_message,
    build_digest_head,
    build_digest_message,
    build_reader_headers,
)
from digest.mail.precompiled import PLACEHOLDER, EncodedTemplate, placeholder
from digest.mail.quoted_printable import encode_quoted_printable
from digest.mail.renderer import MAX_HTML_BYTES, Renderer, is_same
from digest.mail.tokens import MAC_CHARS, Purpose, encode_public_id
from digest.models import Edition, Pick, Section
from digest.models.editions import PaperNews

READER_TEXTS = ("subject", "preheader", "headline", "because")  # fields of the layout that differ by reader
SIGNED_LINKS = ("web", "preferences", "unsubscribe")  # these end in the MAC of the reader's token
MAX_REASON_BYTES = 600  # of HTML
MAX_CARDS = 20_000  # in memory; a run has hundreds
CARD_SEPARATOR = b"\r\n"
NO_REASON: tuple[list[bytes], list[bytes]] = ([], [])
SectionParts = dict[str, list[bytes]]  # the encoded cards by section


class SimpleRenderer:
    """Renders every mail in full from its templates."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def render_digest(self, edition: Edition, *, message_id: str = "") -> bytes:
        """Return the MIME message of an edition."""
        site, links = self._renderer.site, self._renderer.links
        email = self._renderer.render_digest(edition)
        return build_digest_message(email, edition, site=site, links=links, message_id=message_id)


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """An encoded card with placeholders, and the pick it was made for."""

    pick: Pick
    day: date
    text: EncodedTemplate
    html: EncodedTemplate
    max_bytes: int  # of HTML, whatever is filled in

    def matches(self, pick: Pick, day: date) -> bool:
        """Return whether this is the card of the same paper with the same numbers on the same day."""
        return self.day == day and is_same(self.pick.paper, pick.paper) and is_same(self.pick.heat, pick.heat)


SectionCards = Mapping[Section, Sequence[tuple[EncodedCard, str]]]  # each with the reader's own reason


class BulkRenderer:
    """Renders the mails of one run, and keeps at most *max_cards* encoded cards."""

    def __init__(self, renderer: Renderer, *, max_cards: int = MAX_CARDS) -> None:
        self._renderer = renderer
        self._max_cards = max_cards
        self._cards: dict[tuple[object, ...], EncodedCard] = {}
        self._layouts: dict[tuple[object, ...], tuple[EncodedTemplate, EncodedTemplate]] = {}
        self._heads: dict[tuple[object, ...], list[str]] = {}
        self._news: dict[tuple[object, ...], tuple[bytes, bytes]] = {}
        self._subjects: dict[str, str] = {}

    def render_digest(self, edition: Edition, *, message_id: str = "") -> bytes:
        """Return the MIME message of an edition."""
        if not edition.picks:
            return SimpleRenderer(self._renderer).render_digest(edition, message_id=message_id)
        site, links = self._renderer.site, self._renderer.links
        locale = get_locale(edition.subscriber.preferences.language)
        edition, cards = self._trim(locale, edition)
        layout = build_edition_layout(site, links, locale, edition)
        subject = self._build_subject(locale, layout)
        headers = build_reader_headers(
            subject,
            edition,
            unsubscribe_url=layout.unsubscribe,
            preferences_url=layout.preferences,
            site=site,
            message_id=message_id,
        )
        text_cards, html_cards = self._fill_cards(locale, edition, cards)
        if edition.news:
            text_cards["news"], html_cards["news"] = self._encode_news(locale, edition.news)
        public_id = encode_public_id(edition.subscriber.public_id)
        text, html = self._get_layout(locale, layout, public_id, tuple(text_cards))
        values = _layout_values(layout, public_id) | {"subject": subject}
        text_parts: list[bytes] = []
        html_parts: list[bytes] = []
        text.fill({**values, **layout.wrapped_fields(), **text_cards}, text_parts)
        html.fill({**values, **html_cards}, html_parts)
        return assemble_message(self._build_head(headers, edition), text_parts, html_parts)

    def _trim(self, locale: Locale, edition: Edition) -> tuple[Edition, SectionCards]:
        """Return the edition and its cards, trimmed in the rare case that it may be too large."""
        sections = self._collect_cards(locale, edition)
        max_bytes = sum(card.max_bytes for cards in sections.values() for card, _ in cards)
        news_bytes = len(self._encode_news(locale, edition.news)[1][0])
        if max_bytes + news_bytes + self._renderer.measure_layout(locale) <= MAX_HTML_BYTES:
            return edition, sections
        edition = self._renderer.trim(edition)
        return edition, self._collect_cards(locale, edition)

    def _collect_cards(self, locale: Locale, edition: Edition) -> SectionCards:
        sections: dict[Section, list[tuple[EncodedCard, str]]] = {section: [] for section in Section}
        for pick in edition.picks:
            cards = sections[pick.section]
            is_personal = pick.section is not Section.TRENDING
            reason = explain_pick(locale, pick, edition.day) if is_personal else ""
            card = self._get_card(locale, edition, pick, len(cards) + 1, has_reason=bool(reason))
            cards.append((card, reason))
        return sections

    def _get_card(
        self, locale: Locale, edition: Edition, pick: Pick, number: int, *, has_reason: bool
    ) -> EncodedCard:
        """Return the card of a pick, encoded when it is first needed."""
        shown_number = 0 if pick.section is Section.ALSO_NEW else number
        width = len(encode_public_id(edition.subscriber.public_id))
        may_teach = edition.subscriber.preferences.clicks_may_teach
        key = (locale.code, pick.section, shown_number, pick.paper.id, has_reason, width, may_teach)
        card = self._cards.get(key)
        if card is None or not card.matches(pick, edition.day):
            if len(self._cards) >= self._max_cards:
                self._cards.clear()
            card = self._cards[key] = self._encode_card(locale, edition, pick, number, has_reason=has_reason)
        return card

    def _encode_card(
        self, locale: Locale, edition: Edition, pick: Pick, number: int, *, has_reason: bool
    ) -> EncodedCard:
        """Encode a card: why a paper trends is the same for everyone, why it was picked is a placeholder."""
        day, tokens = edition.day, self._sign_card_tokens(edition)
        trend = explain_pick(locale, pick, day) if pick.section is Section.TRENDING else ""
        reason = placeholder("why") if has_reason else ""
        own = build_personal_fields(locale, self._renderer.links, edition.subscriber, pick, day)
        personal = PersonalFields(
            why=trend or reason,
            why_lines=wrap_reason(locale, trend) or reason,
            more=_replace_token(own.more, tokens, "feedback"),
            less=_replace_token(own.less, tokens, "feedback"),
            href=_replace_token(own.href, tokens, "opening"),
        )
        text, html = self._renderer.render_card(locale, pick, number, personal, "txt", "html")
        widths = {name: len(token) for name, token in tokens.items()}
        return EncodedCard(
            pick,
            day,
            EncodedTemplate(text, html=False, widths=widths),
            EncodedTemplate(html, html=True, widths=widths),
            max_bytes=len(html.encode()) + MAX_REASON_BYTES + 2 * widths["feedback"],
        )

    def _fill_cards(
        self, locale: Locale, edition: Edition, sections: SectionCards
    ) -> tuple[SectionParts, SectionParts]:
        """Return the filled cards of each section that has any, as text and as HTML."""
        tokens = self._sign_card_tokens(edition)
        text: SectionParts = {}
        html: SectionParts = {}
        for section, cards in sections.items():
            if not cards:
                continue
            text_parts = text[section.value] = []
            html_parts = html[section.value] = []
            for card, reason in cards:
                why_text, why_html = encode_reason(locale, reason) if reason else NO_REASON
                card.html.fill({**tokens, "why": why_html}, html_parts)
                card.text.fill({**tokens, "why": why_text}, text_parts)
                text_parts.append(CARD_SEPARATOR)
            text_parts.pop()
        return text, html

    def _sign_card_tokens(self, edition: Edition) -> dict[str, bytes]:
        sign, public_id = self._renderer.links.keys.sign, edition.subscriber.public_id
        return {
            "public_id": encode_public_id(public_id).encode(),
            "feedback": sign(Purpose.FEEDBACK, public_id).rpartition(".")[2].encode(),
            "opening": sign(Purpose.OPENING, public_id).rpartition(".")[2].encode(),
        }

    def _encode_news(self, locale: Locale, news: tuple[PaperNews, ...]) -> tuple[list[bytes], list[bytes]]:
        """Return the news as text and as HTML, encoded once for all readers of the same."""
        key = (locale.code, news)
        if key not in self._news:
            if len(self._news) >= self._max_cards:
                self._news.clear()
            text, html = (self._renderer.render_news(locale, news, part) for part in ("txt", "html"))
            self._news[key] = (encode_quoted_printable(f"{text}\n"), encode_quoted_printable(f"{html}\n"))
        text_bytes, html_bytes = self._news[key]
        return [text_bytes], [html_bytes]

    def _build_subject(self, locale: Locale, layout: DigestLayout) -> str:
        """Return the subject; its template, which may add words, is rendered once per language."""
        if locale.code not in self._subjects:
            blank = DigestLayout(lang=locale.code, subject=placeholder("subject"))
            self._subjects[locale.code] = self._renderer.render_subject(locale, "digest", page=blank)
        return " ".join(self._subjects[locale.code].replace(placeholder("subject"), layout.subject).split())

    def _get_layout(
        self, locale: Locale, layout: DigestLayout, public_id: str, sections: tuple[str, ...]
    ) -> tuple[EncodedTemplate, EncodedTemplate]:
        """Return the page around the cards as text and as HTML, encoded once per shape of edition."""
        links = _placeholder_links(layout, public_id)
        key = (
            locale.code,
            sections,
            layout.weekly,
            layout.picked_first,
            layout.notes,
            layout.archive,
            len(public_id),
            *links.values(),
        )
        if key not in self._layouts:
            texts: dict[str, Any] = {name: placeholder(name) for name in (*READER_TEXTS, *sections)} | links
            blank = replace(layout, **texts)
            widths = {"public_id": len(public_id), **dict.fromkeys(SIGNED_LINKS, MAC_CHARS)}
            text, html = (
                self._renderer.render(locale, f"digest/body.{part}", page=blank) for part in ("txt", "html")
            )
            self._layouts[key] = (
                EncodedTemplate(text, html=False, widths=widths),
                EncodedTemplate(html, html=True, widths=widths),
            )
        return self._layouts[key]

    def _build_head(self, headers: ReaderHeaders, edition: Edition) -> str:
        key = (edition.day, edition.slot, edition.subscriber.preferences.language)
        if key not in self._heads:
            blank = ReaderHeaders(**{field.name: placeholder(field.name) for field in fields(ReaderHeaders)})
            head = build_digest_head(blank, edition, site=self._renderer.site, links=self._renderer.links)
            self._heads[key] = PLACEHOLDER.split(head)
        pieces = self._heads[key].copy()
        pieces[1::2] = [getattr(headers, name) for name in pieces[1::2]]
        return "".join(pieces)


@lru_cache(maxsize=4096)
def encode_reason(locale: Locale, reason: str) -> tuple[list[bytes], list[bytes]]:
    """Return the encoded lines of a reason as text and as HTML; cached, as many readers share one."""
    text = encode_quoted_printable(wrap_reason(locale, reason) + "\n")
    return [text], [encode_quoted_printable(f"{escape(reason)}\n")]


def _replace_token(url: str, tokens: Mapping[str, bytes], name: str) -> str:
    ending = f".{tokens['public_id'].decode()}.{tokens[name].decode()}/"
    return url.replace(ending, f".{placeholder('public_id')}.{placeholder(name)}/")


def _placeholder_links(layout: DigestLayout, public_id: str) -> dict[str, str]:
    """Return the reader's links with placeholders for the encoded public id and the MAC."""
    links = {name: _replace_token_parts(getattr(layout, name), public_id, name) for name in SIGNED_LINKS}
    return links | {"pause": links["preferences"] + layout.pause.removeprefix(layout.preferences)}


def _replace_token_parts(url: str, public_id: str, name: str) -> str:
    before, _, after = url.rpartition(".")[0].rpartition(f".{public_id}")
    return f"{before}.{placeholder('public_id')}{after}.{placeholder(name)}"


def _layout_values(layout: DigestLayout, public_id: str) -> dict[str, Any]:
    """Return the values of the placeholders of a layout, except those of the cards."""
    macs = {name: getattr(layout, name).rpartition(".")[2].encode() for name in SIGNED_LINKS}
    texts = {name: getattr(layout, name) for name in READER_TEXTS}
    return texts | {"public_id": public_id.encode(), **macs}
