"""Digests as MIME messages: what readers share is rendered and encoded once, then joined for each of them.

Everything is rendered for a stand-in, a reader who does not exist but has tokens as long as the reader's, so
that lines break at the same places. Then the reader's tokens take the place of the stand-in's: as they are
signed, no text of a paper can contain one. Only lines with a text of the reader's own (`Gap`) are encoded for
each mail.
"""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from markupsafe import escape

from digest.mail.cards import build_card, build_personal_fields, explain_pick, wrap_reason
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
from digest.mail.quoted_printable import decode_quoted_printable, encode_header, encode_quoted_printable
from digest.mail.renderer import Renderer
from digest.mail.subject import build_preheader, build_subject, is_strong
from digest.mail.text_wrap import wrap_text
from digest.mail.tokens import Purpose, encode_public_id
from digest.mail.wording import describe_evidence
from digest.models import Edition, Email, Frequency, Heat, Paper, ReasonKind, Subscriber
from digest.models.editions import SECTION_CODES, EditionRows, PaperNews, PickRow, to_rows

MAX_HTML_BYTES = 80_000  # Gmail clips a mail at about 102 KB
MAX_READER_BYTES = 6_000  # what a reader adds to the HTML around the cards hardly exceeds this
TRIM_ORDER = "npt"  # codes of the sections, dropped first to last
MAX_CARDS = 20_000  # in memory; a run has hundreds
MAX_REASONS = 4096
DAYS_KEPT = timedelta(days=2)  # mails of some days are sent side by side: zones differ, and some are retried
SECTION_TEMPLATES = {"t": "card", "p": "card", "n": "line"}
CARD_SEPARATOR = b"\r\n"  # in the text part


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


GAP = re.compile(r"([\ue000-\ue00b])")
BESIDE_SECTION = re.compile(r"(?<!\n)(?=[\ue006-\ue009])|(?<=[\ue006-\ue009])(?!\n)")
SECTION_GAPS = {"t": Gap.TRENDING, "p": Gap.PICKED, "n": Gap.ALSO_NEW, "news": Gap.NEWS}

Forms = dict[bytes, int]  # the stand-in's tokens as they are encoded, each with its index
Sections = dict[str, bytes]  # encoded cards by the line that they fill
_encode_line = lru_cache(maxsize=4096)(encode_quoted_printable)  # many readers share a subject


@dataclass(frozen=True, slots=True)
class RenderedCard:
    """A card as text and as HTML, without its number."""

    paper: Paper
    heat: Heat
    text: str
    html: str

    def matches(self, paper: Paper, heat: Heat) -> bool:
        """Return whether this is still the card of the paper; at once for the objects it was made of."""
        is_same_paper = self.paper is paper or self.paper == paper
        return is_same_paper and (self.heat is heat or self.heat == heat)


@dataclass(frozen=True, slots=True)
class EncodedCard:
    """A card with its number; each part has lines, and lines with gaps with the lines that follow them."""

    source: RenderedCard
    text: tuple[bytes, list[tuple[str, bytes]]]
    html: tuple[bytes, list[tuple[str, bytes]]]
    html_bytes: int  # before encoding, without the reader's reason


@dataclass(frozen=True, slots=True)
class EncodedLayout:
    """The subject and the page around the cards: lines with gaps, each with the lines that follow it."""

    subject: str
    text: list[tuple[str, bytes, Forms]]
    html: list[tuple[str, bytes, Forms]]


class ReasonLines(dict[str, bytes]):
    """A reader's reason under a card, encoded in each line with a gap for it."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def __missing__(self, line: str) -> bytes:
        """Encode a line."""
        encoded = self[line] = encode_quoted_printable(line.replace(Gap.REASON, self._reason))
        return encoded


@dataclass(slots=True)  # not frozen: made for each reader, and that takes thrice as long
class Why:
    """A reader's reason under a card as text and as HTML."""

    text: ReasonLines
    html: ReasonLines
    html_bytes: int


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A digest, its parts encoded."""

    subject: str
    head: str
    text: bytes
    html: bytes


NO_REASON = Why(ReasonLines(""), ReasonLines(""), 0)  # without a reason, or with the same one for all readers


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
        is_plain = encode_public_id(reader.public_id) == reader.public_id
        public_id = ("x" if is_plain else "X") * len(reader.public_id)
        key = (reader.preferences.language, reader.preferences.clicks_may_teach, day, public_id)
        group = self._groups.get(key)
        if group is None:
            self._groups = {key: old for key, old in self._groups.items() if old.day >= day - DAYS_KEPT}
            stand_in = replace(reader, public_id=public_id)
            group = self._groups[key] = _Group(self._renderer, stand_in, day)
        if sum([len(group.cards) for group in self._groups.values()]) >= self._max_cards:
            for each in self._groups.values():
                each.forget_cards()
        return group


class _Group:
    """What is rendered once for all readers of one language and day whose tokens are as long."""

    def __init__(self, renderer: Renderer, stand_in: Subscriber, day: date) -> None:
        self.day = day
        self.cards: dict[Hashable, EncodedCard] = {}
        self._rendered: dict[Hashable, RenderedCard] = {}
        self._renderer = renderer
        self._stand_in = stand_in
        self._locale = get_locale(stand_in.preferences.language)
        self._tokens = self._sign_tokens(stand_in)
        self._patterns = [_compile_pattern(token) for token in self._tokens]
        self._card_forms: Forms = {}
        self._has_tokens_beside_gaps = False  # only in templates of operators
        self._reasons: dict[tuple[str, Hashable], Why] = {}
        self._layouts: dict[Hashable, EncodedLayout] = {}
        self._heads: dict[datetime, list[str]] = {}
        self._news: dict[tuple[PaperNews, ...], tuple[bytes, bytes]] = {}
        page = DigestLayout(lang=self._locale.code)
        html = renderer.render(self._locale, "digest/body.html", page=page)
        self._layout_bytes = len(html.encode()) + MAX_READER_BYTES

    def forget_cards(self) -> None:
        """Drop all rendered cards."""
        self.cards, self._rendered = {}, {}

    def render(self, edition: EditionRows) -> RenderedMail:
        """Return the mail of a digest, trimmed to `MAX_HTML_BYTES` of HTML."""
        tokens = self._sign_tokens(edition.subscriber)
        news_text, news_html = self._encode_news(edition.news)
        around = self._layout_bytes + len(news_html)
        text, html, sizes = self._join_cards(edition, tokens)
        if around + sum(sizes) > MAX_HTML_BYTES:
            edition = trim_edition(edition, sizes, layout_bytes=around)
            text, html, _ = self._join_cards(edition, tokens)
        if edition.news:
            text["news"], html["news"] = news_text, news_html
        is_picked_first = _is_picked_first(edition)
        layout = self._get_layout(edition, tuple(html), is_picked_first=is_picked_first)
        texts = self._build_texts(edition, is_picked_first=is_picked_first)
        subject = texts[Gap.SUBJECT] = " ".join(_fill(layout.subject, texts).split())
        wrapped = {gap: value if gap == Gap.SUBJECT else wrap_text(value) for gap, value in texts.items()}
        escaped = {gap: escape(value) for gap, value in texts.items()}
        return RenderedMail(
            subject,
            self._build_head(edition, subject, tokens),
            self._fill_layout(layout.text, wrapped, text, tokens),
            self._fill_layout(layout.html, escaped, html, tokens),
        )

    def _join_cards(
        self, edition: EditionRows, tokens: Sequence[str]
    ) -> tuple[Sections, Sections, list[int]]:
        """Return the cards of each section that has any, as text and as HTML, and the sizes of their HTML."""
        text: dict[str, list[bytes]] = {}
        html: dict[str, list[bytes]] = {}
        sizes: list[int] = []
        counts = dict.fromkeys(SECTION_CODES, 0)
        for row in edition.picks:
            paper, code, heat, reason, _, _ = row
            counts[code] = number = counts[code] + 1
            if number == 1:
                text[code], html[code] = [], []
            why = NO_REASON
            if code != "t" and heat.broke_out_from is None:
                why = self._reasons.get((code, reason)) or self._explain(edition, row)
            key = (code, paper.id, why is NO_REASON, heat.broke_out_from, 0 if code == "n" else number)
            card = self.cards.get(key)
            if card is None or not card.source.matches(paper, heat):
                card = self.cards[key] = self._encode_card(edition, row, number, why)
            sizes.append(card.html_bytes + why.html_bytes)
            for (first, rest), reasons, parts in (
                (card.text, why.text, text[code]),
                (card.html, why.html, html[code]),
            ):
                parts.append(first)
                for line, lines in rest:
                    parts.extend((reasons[line], lines))
            text[code].append(CARD_SEPARATOR)
        for parts in text.values():
            parts.pop()
        return self._join(text, tokens), self._join(html, tokens), sizes

    def _join(self, sections: Mapping[str, Sequence[bytes]], tokens: Sequence[str]) -> Sections:
        forms = self._card_forms
        return {code: self._insert(b"".join(parts), forms, tokens) for code, parts in sections.items()}

    def _explain(self, edition: EditionRows, row: PickRow) -> Why:
        _, code, _, stored, *_ = row
        section = SECTION_CODES[code]
        reason = edition.parse_reason(section, stored)
        if reason.because is ReasonKind.TREND:  # then it depends on the paper
            sentence = explain_pick(self._locale, edition.build_pick(row), self.day)
        else:
            sentence = describe_evidence(self._locale, section, reason, self.day)
        why = _build_why(self._locale, sentence) if sentence else NO_REASON
        if reason.because is not ReasonKind.TREND:
            if len(self._reasons) >= MAX_REASONS:
                self._reasons.clear()
            self._reasons[code, stored] = why
        return why

    def _encode_card(self, edition: EditionRows, row: PickRow, number: int, why: Why) -> EncodedCard:
        paper, code, heat, *_ = row
        # The placeholder is as wide as numbers below ten; longer ones are rendered as they are.
        shown = str(number) if number > 9 and code != "n" else Gap.NUMBER
        key = (code, paper.id, why is NO_REASON, heat.broke_out_from, shown)
        card = self._rendered.get(key)
        if card is None or not card.matches(paper, heat):
            card = self._rendered[key] = self._render_card(edition, row, shown, why)
        text, html = (part.replace(Gap.NUMBER, str(number)) for part in (card.text, card.html))
        return EncodedCard(
            card, self._compile_card(text), self._compile_card(html), html_bytes=len(html.encode())
        )

    def _compile_card(self, text: str) -> tuple[bytes, list[tuple[str, bytes]]]:
        (_, first, _), *rest = template = self._compile(text)
        for _, _, forms in template:
            self._card_forms |= forms
        return first, [(line, lines) for line, lines, _ in rest]

    def _render_card(self, edition: EditionRows, row: PickRow, number: str, why: Why) -> RenderedCard:
        pick = edition.build_pick(row)
        personal = build_personal_fields(self._locale, self._renderer.links, self._stand_in, pick, self.day)
        if why is not NO_REASON:
            personal = replace(personal, why=Gap.REASON, why_lines=Gap.REASON)
        card = build_card(self._locale, pick, number, personal)
        template = f"digest/{SECTION_TEMPLATES[row[1]]}"
        text, html = (
            self._renderer.render(self._locale, f"{template}.{part}", card=card) for part in ("txt", "html")
        )
        return RenderedCard(pick.paper, pick.heat, text, html)

    def _compile(self, text: str) -> list[tuple[str, bytes, Forms]]:
        """Return the lines with gaps, the first one empty, each with the encoded lines after it."""
        template: list[tuple[str, bytes, Forms]] = []
        for line, lines in _split_at_gaps(text):
            encoded = encode_quoted_printable(lines)
            template.append((line, encoded, self._find_tokens(encoded) if self._has_tokens(lines) else {}))
            self._has_tokens_beside_gaps |= self._has_tokens(line)
        return template

    def _has_tokens(self, text: str) -> bool:
        return any(token in text for token in self._tokens)

    def _find_tokens(self, encoded: bytes) -> Forms:
        return {form: index for index, each in enumerate(self._patterns) for form in each.findall(encoded)}

    def _insert(self, encoded: bytes, forms: Forms, tokens: Sequence[str]) -> bytes:
        """Return encoded lines with the reader's tokens instead of the stand-in's."""
        if self._has_tokens_beside_gaps:
            forms = self._find_tokens(encoded)  # they break where the texts in the gaps make them
        for form, index in forms.items():
            encoded = encoded.replace(form, _break_alike(tokens[index], form))
        return encoded

    def _fill_layout(
        self,
        template: Sequence[tuple[str, bytes, Forms]],
        texts: Mapping[str, str],
        sections: Sections,
        tokens: Sequence[str],
    ) -> bytes:
        by_line = {f"{SECTION_GAPS[code]}\n": section for code, section in sections.items()}
        pieces: list[bytes] = []
        for line, lines, forms in template:
            if line in by_line:
                pieces.append(by_line[line])
            elif line:
                filled = _encode_line(_fill(line, texts))
                pieces.append(self._insert(filled, {}, tokens) if self._has_tokens_beside_gaps else filled)
            pieces.append(self._insert(lines, forms, tokens) if forms else lines)
        return b"".join(pieces)

    def _sign_tokens(self, reader: Subscriber) -> list[str]:
        """Return every token that may stand in a mail to this reader, always in the same order."""
        sign, public_id = self._renderer.links.keys.sign, reader.public_id
        tokens = [
            sign(Purpose.FEEDBACK, public_id),
            sign(Purpose.UNSUBSCRIBE, public_id),
            sign(Purpose.PREFERENCES, public_id),
            sign(Purpose.EDITION, public_id, self.day.isoformat()),
        ]
        return [*tokens, sign(Purpose.OPENING, public_id)] if reader.preferences.clicks_may_teach else tokens

    def _encode_news(self, news: tuple[PaperNews, ...]) -> tuple[bytes, bytes]:
        """Return the news as text and as HTML, encoded once for all readers of the same."""
        if not news:
            return b"", b""
        if news not in self._news:
            text, html = (self._renderer.render_news(self._locale, news, part) for part in ("txt", "html"))
            self._news[news] = (encode_quoted_printable(f"{text}\n"), encode_quoted_printable(f"{html}\n"))
        return self._news[news]

    def _build_texts(self, edition: EditionRows, *, is_picked_first: bool) -> dict[str, str]:
        """Return the sentences around the cards by their gaps."""
        by_code: dict[str, list[Paper]] = {code: [] for code in SECTION_CODES}
        for row in edition.picks:
            by_code[row[1]].append(row[0])
        papers = [paper for code in ("ptn" if is_picked_first else "tpn") for paper in by_code[code]]
        headline = format_headline(self._locale, self.day, tuple(map(len, by_code.values())))
        return {
            Gap.SUBJECT: build_subject(self._locale, papers),
            Gap.PREHEADER: build_preheader(self._locale, papers) or headline,
            Gap.HEADLINE: headline,
            Gap.BECAUSE: describe_subscription(self._renderer.site, self._locale, edition.subscriber),
        }

    def _get_layout(
        self, edition: EditionRows, sections: tuple[str, ...], *, is_picked_first: bool
    ) -> EncodedLayout:
        """Return the page around the cards, encoded once per shape of edition."""
        is_weekly = edition.subscriber.schedule.frequency is Frequency.WEEKLY
        key = (*sections, is_weekly, is_picked_first, edition.notes)
        if key not in self._layouts:
            site, links, reader = self._renderer.site, self._renderer.links, self._stand_in
            names = {code: section.value for code, section in SECTION_CODES.items()} | {"news": "news"}
            page = replace(
                build_layout(site, links, self._locale, reader),
                subject=Gap.SUBJECT,
                preheader=Gap.PREHEADER,
                headline=Gap.HEADLINE,
                because=Gap.BECAUSE,
                web=links.edition_url(reader.public_id, self.day),
                notes=format_notes(self._locale, edition.notes),
                weekly=is_weekly,
                picked_first=is_picked_first,
                **{names[code]: SECTION_GAPS[code] for code in sections},
            )
            subject = self._renderer.render_subject(self._locale, "digest", page=page)
            text, html = (
                self._renderer.render(self._locale, f"digest/body.{part}", page=page)
                for part in ("txt", "html")
            )
            self._layouts[key] = EncodedLayout(
                subject,
                self._compile(BESIDE_SECTION.sub("\n", text)),
                self._compile(BESIDE_SECTION.sub("\n", html)),
            )
        return self._layouts[key]

    def _build_head(self, edition: EditionRows, subject: str, tokens: Sequence[str]) -> str:
        """Return the header block; its shape is built once per slot."""
        site, links, reader = self._renderer.site, self._renderer.links, edition.subscriber
        if edition.slot not in self._heads:
            blank = replace(edition, subscriber=self._stand_in)
            head = build_digest_head(
                blank, to=Gap.TO, subject=Gap.SUBJECT, message_id=Gap.MESSAGE_ID, site=site, links=links
            )
            self._heads[edition.slot] = GAP.split(head)
        values = {
            Gap.TO: ascii_address(reader.address),
            Gap.SUBJECT: encode_header(subject),
            Gap.MESSAGE_ID: digest_message_id(site, reader, self.day),
        }
        pieces = self._heads[edition.slot].copy()
        pieces[1::2] = [values[gap] for gap in pieces[1::2]]
        return _fill("".join(pieces), dict(zip(self._tokens, tokens, strict=True)))


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


@lru_cache(maxsize=MAX_REASONS)  # sections and readers share reasons
def _build_why(locale: Locale, sentence: str) -> Why:
    html = escape(sentence)
    return Why(ReasonLines(wrap_reason(locale, sentence)), ReasonLines(html), len(html.encode()))


def _is_picked_first(edition: EditionRows) -> bool:
    """Return whether the personal picks come before the trending papers."""
    best = next((row for row in edition.picks if row[1] == "p"), None)
    return best is not None and is_strong(best[4], lambda: edition.build_pick(best).reason)


def _fill(text: str, values: Mapping[str, str]) -> str:
    for gap, value in values.items():
        text = text.replace(gap, value)
    return text


def _split_at_gaps(text: str) -> Iterator[tuple[str, str]]:
    """Yield each line with gaps and the lines after it; before the first one an empty line."""
    line, start = "", 0
    for gap in GAP.finditer(text):
        if gap.start() >= start:
            begin = text.rfind("\n", start, gap.start()) + 1 or start
            end = text.find("\n", gap.start()) + 1 or len(text)
            yield line, text[start:begin]
            line, start = text[begin:end], end
    yield line, text[start:]


def _compile_pattern(token: str) -> re.Pattern[bytes]:
    """Return a pattern of a token in quoted-printable, which may break it and then encodes a leading dot."""
    chars = (r"(?:\.|=2E)" if char == "." else re.escape(char) for char in token)
    return re.compile(r"(?:=\r\n)?".join(chars).encode())


def _break_alike(token: str, form: bytes) -> bytes:
    """Return a token in quoted-printable that is broken as *form*, another token of the same shape."""
    if len(token) == len(form):
        return token.encode()
    pieces, start = [], 0
    for piece in form.decode().split("=\r\n"):
        length = len(piece.replace("=2E", "."))
        rest = token[start : start + length]
        pieces.append("=2E" + rest[1:] if piece.startswith("=2E") else rest)
        start += length
    return "=\r\n".join(pieces).encode()
