"""Digests as MIME messages: what readers share is rendered and encoded once, then joined for each of them.

What differs by reader is a gap: a private character in the templates' text, and in its encoding a byte that
quoted-printable never contains, between soft line breaks (RFC 2045, section 6.7). So whatever takes its place
is encoded by itself, and nothing around it is encoded anew.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from markupsafe import escape

from digest.mail.cards import build_card, build_personal_fields, wrap_reason
from digest.mail.layout import (
    DigestLayout,
    build_layout,
    describe_subscription,
    format_headline,
    format_notes,
)
from digest.mail.locale import Locale, get_locale
from digest.mail.mime import (
    ascii_address,
    assemble_message,
    build_digest_head,
    build_digest_message,
    digest_message_id,
)
from digest.mail.quoted_printable import (
    MAX_LINE_BYTES,
    SOFT_BREAK,
    decode_quoted_printable,
    encode_fragment,
    encode_header,
)
from digest.mail.renderer import Renderer
from digest.mail.subject import build_preheader, build_subject, is_strong
from digest.mail.text_wrap import wrap_text
from digest.mail.tokens import Keys, Purpose
from digest.mail.wording import describe_evidence, describe_reason
from digest.models import Edition, Email, Frequency, Heat, Paper, ReasonKind, Section, Subscriber
from digest.models.editions import SECTION_CODES, EditionRows, PaperNews, PickRow, to_rows

MAX_HTML_BYTES = 80_000  # Gmail clips a mail at about 102 KB
MAX_READER_BYTES = 6_000  # what a reader adds to the HTML around the cards hardly exceeds this
TRIM_ORDER = "npt"  # codes of the sections, dropped first to last
MAX_CARDS = 20_000  # in memory; a run has hundreds
MAX_REASONS = 12_288
DAYS_KEPT = timedelta(days=2)  # mails of some days are sent side by side: zones differ, and some are retried
SECTION_TEMPLATES = {"t": "card", "p": "card", "n": "line"}


class Gap:
    """Where texts of the reader's own belong: private characters, which cleaned text never contains."""

    SUBJECT = "\ue000"
    PREHEADER = "\ue001"
    HEADLINE = "\ue002"
    BECAUSE = "\ue003"
    NUMBER = "\ue004"
    REASON = "\ue005"
    TRENDING = "\ue006"
    PICKED = "\ue007"
    ALSO_NEW = "\ue008"
    NEWS = "\ue009"
    TO = "\ue00a"
    MESSAGE_ID = "\ue00b"


TOKEN_GAPS = {purpose: chr(0xE00C + index) for index, purpose in enumerate(Purpose)}
SECTION_GAPS = {"t": Gap.TRENDING, "p": Gap.PICKED, "n": Gap.ALSO_NEW, "news": Gap.NEWS}
GAP = re.compile(r"([\ue000-\ue01f])")
SECTION_GAP = re.compile(r"\n?([\ue006-\ue009])\n?")  # it is a line of its own
MARKS = {chr(0xE000 + index): bytes([0x80 + index]) for index in range(0x20)}  # gaps in encoded text
MARK = re.compile(rb"([\x80-\x9f])")
REASON_MARK, NUMBER_MARK = MARKS[Gap.REASON], MARKS[Gap.NUMBER]
NUMBERS = [encode_fragment(str(number)) for number in range(10)]  # wider ones are rendered with the card

Encoded = tuple[bytes, bytes]  # the same as text and as HTML


@lru_cache(maxsize=1024)  # many readers share a subject
def _encode_both(text: str, *, is_wrapped: bool) -> Encoded:
    return (
        encode_fragment(wrap_text(text) if is_wrapped else text),
        encode_fragment(str(escape(text))),
    )


class GapKeys(Keys):
    """Signs nothing: instead of tokens there are gaps for them."""

    def sign(self, purpose: Purpose, *_: object, **__: object) -> str:
        """Return the gap for a token."""
        return TOKEN_GAPS[purpose]


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """A card, each part encoded and in pieces between the gaps for the reason; its number is a gap too."""

    paper: Paper
    heat: Heat
    text: list[bytes]
    html: list[bytes]
    html_bytes: int  # before encoding, without the reader's reason

    def matches(self, paper: Paper, heat: Heat) -> bool:
        """Return whether this is still the card of the paper; at once for the objects it was made of."""
        is_same_paper = self.paper is paper or self.paper == paper
        return is_same_paper and (self.heat is heat or self.heat == heat)


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """The subject and the page around the cards, each part in pieces; every second one is a mark."""

    subject: str
    text: list[bytes]
    html: list[bytes]


@dataclass(slots=True)  # not frozen: made for each reader, and that takes thrice as long
class Why:
    """A reader's reason under a card, encoded as text and as HTML, and the bytes of the HTML before."""

    text: bytes
    html: bytes
    html_bytes: int


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A digest, its parts encoded."""

    subject: str
    head: str
    text: bytes
    html: bytes


NO_REASON = Why(b"", b"", 0)  # without a reason, or with the same one for all readers


class BulkRenderer:
    """Renders digests, and keeps about *max_cards* rendered cards."""

    def __init__(self, renderer: Renderer, *, max_cards: int = MAX_CARDS) -> None:
        self._renderer = renderer
        self._max_cards = max_cards
        self._groups: dict[Hashable, _Group] = {}

    def render_digest(self, edition: Edition | EditionRows) -> bytes:
        """Return the MIME message of an edition; without papers, of an empty day."""
        rows = edition if isinstance(edition, EditionRows) else to_rows(edition)
        if not rows.picks:
            email = self._renderer.render_empty_day(rows)
            return build_digest_message(email, rows, site=self._renderer.site, links=self._renderer.links)
        mail = self._get_group(rows).render(rows)
        return assemble_message(mail.head, mail.text, mail.html)

    def render_email(self, edition: Edition) -> Email:
        """Return subject, text and HTML of the same message."""
        rows = to_rows(edition)
        if not rows.picks:
            return self._renderer.render_empty_day(rows)
        mail = self._get_group(rows).render(rows)
        return Email(mail.subject, decode_quoted_printable(mail.text), decode_quoted_printable(mail.html))

    def _get_group(self, edition: EditionRows) -> "_Group":
        reader, day = edition.subscriber, edition.day
        key = (reader.preferences.language, reader.preferences.clicks_may_teach, day)
        group = self._groups.get(key)
        if group is None:
            self._groups = {key: old for key, old in self._groups.items() if old.day >= day - DAYS_KEPT}
            group = self._groups[key] = _Group(self._renderer, reader, day)
        if sum([len(group.cards) for group in self._groups.values()]) >= self._max_cards:
            for each in self._groups.values():
                each.forget_cards()
        return group


class _Group:
    """What is rendered once for all readers of one language and day.

    *reader* is any of them: where a mail tells one from another, there is a gap.
    """

    def __init__(self, renderer: Renderer, reader: Subscriber, day: date) -> None:
        self.day = day
        self.cards: dict[Hashable, EncodedCard] = {}
        self._card_marks: set[bytes] = set()  # of tokens
        self._renderer = renderer
        self._reader = reader
        self._links = replace(renderer.links, keys=GapKeys(b"none"))
        self._locale = get_locale(reader.preferences.language)
        self._reasons: dict[Hashable, Why] = {}
        self._pages: dict[Hashable, EncodedPage] = {}
        self._heads: dict[datetime, list[str]] = {}
        self._news: dict[tuple[PaperNews, ...], Encoded] = {}
        page = DigestLayout(lang=self._locale.code)
        html = renderer.render(self._locale, "digest/body.html", page=page)
        self._page_bytes = len(html.encode()) + MAX_READER_BYTES

    def forget_cards(self) -> None:
        """Drop all rendered cards."""
        self.cards = {}

    def render(self, edition: EditionRows) -> RenderedMail:
        """Return the mail of a digest, trimmed to `MAX_HTML_BYTES` of HTML."""
        news = self._encode_news(edition.news)
        around = self._page_bytes + len(news[1])
        sections, sizes = self._join_cards(edition)
        if around + sum(sizes) > MAX_HTML_BYTES:
            edition = trim_edition(edition, sizes, layout_bytes=around)
            sections, _ = self._join_cards(edition)
        if edition.news:
            sections["news"] = news
        is_picked_first = _is_picked_first(edition)
        page = self._get_page(edition, tuple(sections), is_picked_first=is_picked_first)
        texts = self._build_texts(edition, is_picked_first=is_picked_first)
        subject = texts[Gap.SUBJECT] = " ".join(_fill(page.subject, texts).split())
        tokens = self._sign_tokens(edition.subscriber)
        values = {MARKS[gap]: _encode_token(token) for gap, token in tokens.items()}
        text, html = values.copy(), values
        for gap, value in texts.items():
            text[MARKS[gap]], html[MARKS[gap]] = _encode_both(value, is_wrapped=gap != Gap.SUBJECT)
        for code, section in sections.items():
            text[MARKS[SECTION_GAPS[code]]], html[MARKS[SECTION_GAPS[code]]] = section
        return RenderedMail(
            subject,
            self._build_head(edition, subject, tokens),
            self._fill_page(page.text, text),
            self._fill_page(page.html, html),
        )

    def _fill_page(self, pieces: Sequence[bytes], values: Mapping[bytes, bytes]) -> bytes:
        """Return a part of the mail: its sections have gaps for tokens too."""
        filled = b"".join([values.get(piece, piece) for piece in pieces])
        for mark in self._card_marks:
            filled = filled.replace(mark, values[mark])
        return filled

    def _join_cards(self, edition: EditionRows) -> tuple[dict[str, Encoded], list[int]]:
        """Return the cards of each section that has any, and the sizes of their HTML."""
        sections: defaultdict[str, tuple[list[bytes], list[bytes]]] = defaultdict(lambda: ([], []))
        sizes: list[int] = []
        for row in edition.picks:
            paper, code, heat, reason, _, _ = row
            in_text, in_html = sections[code]
            number = 0 if code == "n" else len(in_text) + 1
            why = NO_REASON
            if code != "t" and heat.broke_out_from is None:
                why = self._reasons.get(reason) or self._explain(edition, row)
            # The gap is as wide as numbers below ten; longer ones are rendered as they are.
            shown = str(number) if number > 9 else Gap.NUMBER
            key = (code, paper.id, why is NO_REASON, heat.broke_out_from, shown)
            card = self.cards.get(key)
            if card is None or not card.matches(paper, heat):
                card = self.cards[key] = self._render_card(edition, row, shown, why)
            sizes.append(card.html_bytes + why.html_bytes)
            digits = NUMBERS[number % 10]
            in_text.append(why.text.join(card.text).replace(NUMBER_MARK, digits))
            in_html.append(why.html.join(card.html).replace(NUMBER_MARK, digits))
        return {code: (b"\r\n".join(text), b"".join(html)) for code, (text, html) in sections.items()}, sizes

    def _explain(self, edition: EditionRows, row: PickRow) -> Why:
        _, code, _, stored, *_ = row
        if known := self._reasons.get((code, stored)):
            return known
        section = SECTION_CODES[code]
        reason = edition.parse_reason(section, stored)
        if reason.because is ReasonKind.TREND:  # then it depends on the paper
            return _build_why(self._locale, describe_reason(self._locale, edition.build_pick(row), self.day))
        if len(self._reasons) >= MAX_REASONS:
            self._reasons.clear()
        # Only categories are told otherwise under "Also new".
        key = (code, stored) if reason.because in (ReasonKind.CATEGORY, ReasonKind.NEW) else stored
        sentence = describe_evidence(self._locale, section, reason, self.day)
        why = self._reasons[key] = _build_why(self._locale, sentence)
        return why

    def _render_card(self, edition: EditionRows, row: PickRow, number: str, why: Why) -> EncodedCard:
        pick = edition.build_pick(row)
        has_own = why is not NO_REASON
        reason = "" if has_own else describe_reason(self._locale, pick, self.day)
        personal = build_personal_fields(self._locale, self._links, self._reader, pick, reason)
        if has_own:
            personal = replace(personal, why=Gap.REASON, why_lines=Gap.REASON)
        card = build_card(self._locale, pick, number, personal)
        template = f"digest/{SECTION_TEMPLATES[row[1]]}"
        text, html = (
            self._renderer.render(self._locale, f"{template}.{part}", card=card) for part in ("txt", "html")
        )
        self._card_marks |= {MARKS[gap] for gap in TOKEN_GAPS.values() if gap in text or gap in html}
        in_text, in_html = (_encode(part).split(REASON_MARK) for part in (text, html))
        return EncodedCard(pick.paper, pick.heat, in_text, in_html, len(html.encode()))

    def _sign_tokens(self, reader: Subscriber) -> dict[str, str]:
        """Return every token that may stand in a mail to this reader by its gap."""
        sign, public_id = self._renderer.links.keys.sign, reader.public_id
        tokens = {
            purpose: sign(purpose, public_id)
            for purpose in (Purpose.FEEDBACK, Purpose.UNSUBSCRIBE, Purpose.PREFERENCES)
        }
        tokens[Purpose.EDITION] = sign(Purpose.EDITION, public_id, self.day.isoformat())
        if reader.preferences.clicks_may_teach:
            tokens[Purpose.OPENING] = sign(Purpose.OPENING, public_id)
        return {TOKEN_GAPS[purpose]: token for purpose, token in tokens.items()}

    def _encode_news(self, news: tuple[PaperNews, ...]) -> Encoded:
        """Return the news, encoded once for all readers of the same."""
        if not news:
            return b"", b""
        if news not in self._news:
            text, html = (self._renderer.render_news(self._locale, news, part) for part in ("txt", "html"))
            self._news[news] = (encode_fragment(f"{text}\n"), encode_fragment(f"{html}\n"))
        return self._news[news]

    def _build_texts(self, edition: EditionRows, *, is_picked_first: bool) -> dict[str, str]:
        """Return the sentences around the cards by their gaps."""
        by_code: dict[str, list[Paper]] = {code: [] for code in SECTION_CODES}
        for row in edition.picks:
            by_code[row[1]].append(row[0])
        order = "ptn" if is_picked_first else "tpn"
        papers = [paper for code in order for paper in by_code[code]]
        counts = tuple([(SECTION_CODES[code], len(by_code[code])) for code in order])
        headline = format_headline(self._locale, self.day, counts)
        return {
            Gap.SUBJECT: build_subject(self._locale, papers),
            Gap.PREHEADER: build_preheader(self._locale, papers) or headline,
            Gap.HEADLINE: headline,
            Gap.BECAUSE: describe_subscription(self._renderer.site, self._locale, edition.subscriber),
        }

    def _get_page(
        self, edition: EditionRows, sections: tuple[str, ...], *, is_picked_first: bool
    ) -> EncodedPage:
        """Return the page around the cards, encoded once per shape of edition."""
        is_weekly = edition.subscriber.schedule.frequency is Frequency.WEEKLY
        key = (*sections, is_weekly, is_picked_first, edition.notes)
        if key not in self._pages:
            names = {code: section.value for code, section in SECTION_CODES.items()} | {"news": "news"}
            layout = replace(
                build_layout(self._renderer.site, self._links, self._locale, self._reader),
                subject=Gap.SUBJECT,
                preheader=Gap.PREHEADER,
                headline=Gap.HEADLINE,
                because=Gap.BECAUSE,
                web=self._links.edition_url(self._reader.public_id, self.day),
                notes=format_notes(self._locale, edition.notes),
                weekly=is_weekly,
                picked_first=is_picked_first,
                **{names[code]: SECTION_GAPS[code] for code in sections},
            )
            subject = self._renderer.render_subject(self._locale, "digest", page=layout)
            parts = (
                self._renderer.render(self._locale, f"digest/body.{part}", page=layout)
                for part in ("txt", "html")
            )
            pieces = (MARK.split(_encode(SECTION_GAP.sub(r"\n\1", part))) for part in parts)
            self._pages[key] = EncodedPage(subject, *pieces)
        return self._pages[key]

    def _build_head(self, edition: EditionRows, subject: str, tokens: Mapping[str, str]) -> str:
        """Return the header block; its shape is built once per slot."""
        site, reader = self._renderer.site, edition.subscriber
        if edition.slot not in self._heads:
            head = build_digest_head(
                edition,
                to=Gap.TO,
                subject=Gap.SUBJECT,
                message_id=Gap.MESSAGE_ID,
                site=site,
                links=self._links,
            )
            self._heads[edition.slot] = GAP.split(head)
        values = {
            **tokens,
            Gap.TO: ascii_address(reader.address),
            Gap.SUBJECT: encode_header(subject),
            Gap.MESSAGE_ID: digest_message_id(site, reader, self.day),
        }
        return "".join([values.get(piece, piece) for piece in self._heads[edition.slot]])


def trim_edition(edition: EditionRows, sizes: Sequence[int], *, layout_bytes: int) -> EditionRows:
    """Return the edition, or as much of it as fits into `MAX_HTML_BYTES`, with the note `trimmed`.

    *sizes* are the bytes of the picks. "Also new" is dropped first, then picks, then trending papers, each
    from the end; one paper always stays.
    """
    excess = layout_bytes + sum(sizes) - MAX_HTML_BYTES
    if excess <= 0:
        return edition
    dropped: set[int] = set()
    codes = [row[1] for row in edition.picks]
    for index in sorted(range(len(sizes)), key=lambda index: (TRIM_ORDER.index(codes[index]), -index)):
        if excess <= 0 or len(dropped) + 1 == len(sizes):
            break
        dropped.add(index)
        excess -= sizes[index]
    picks = [row for index, row in enumerate(edition.picks) if index not in dropped]
    return replace(edition, picks=picks, notes=(*edition.notes, "trimmed"))


def _build_why(locale: Locale, sentence: str) -> Why:
    if not sentence:
        return NO_REASON
    html = str(escape(sentence))
    return Why(
        encode_fragment(wrap_reason(locale, sentence)),
        encode_fragment(html),
        len(html.encode()),
    )


def _encode_token(token: str) -> bytes:
    """Return a token as `encode_fragment` does, which changes nothing in one that fits into a line."""
    return token.encode() + SOFT_BREAK if len(token) < MAX_LINE_BYTES else encode_fragment(token)


def _is_picked_first(edition: EditionRows) -> bool:
    """Return whether the personal picks come before the trending papers."""
    best = next((row for row in edition.picks if row[1] == "p"), None)
    return best is not None and is_strong(best[4], lambda: edition.parse_reason(Section.PICKED, best[3]))


def _fill(text: str, values: Mapping[str, str]) -> str:
    for gap, value in values.items():
        text = text.replace(gap, value)
    return text


def _encode(text: str) -> bytes:
    """Return text in quoted-printable with a mark for each gap."""
    literal, *rest = GAP.split(text)
    pieces = [encode_fragment(literal)]
    for gap, following in zip(rest[::2], rest[1::2], strict=True):
        pieces += [MARKS[gap], encode_fragment(following)]
    return b"".join(pieces)
