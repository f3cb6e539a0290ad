"""Checks of a finished mail: every rule it must keep, each a function that yields problems in words."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import pairwise

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from digest.mail.branding import contrast_ratio
from digest.mail.text_wrap import MAX_COLUMNS, display_width
from digest.models import Email

REQUIRED_HEADERS = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
)
LIST_HEADERS = (
    "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Owner", "List-Post",
    "List-Archive", "Archived-At", "Feedback-ID",
)  # fmt: skip
FORBIDDEN_HEADERS = ("Return-Path", "Bcc", "Sender", "X-Mailer", "Content-Disposition")
ALLOWED_TAGS = set(
    "html head meta title style body div table tbody tr td h1 h2 h3 p a br".split()  # noqa: SIM905  a word list
)
URL = re.compile(r"https?://[^\s>]+")
WORD = re.compile(r"[^\W_]{2,}")
Rule = Callable[["Mail"], Iterator[str]]


@dataclass(frozen=True)
class Mail:
    """One mail as rendered, as sent and as parsed again."""

    email: Email
    raw: bytes
    bulk: bool

    @property
    def head(self) -> bytes:
        """The header block as bytes."""
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def parsed(self) -> EmailMessage:
        """The message as a mail program reads it."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def page(self) -> BeautifulSoup:
        """The HTML part as a tree."""
        return BeautifulSoup(self.email.html, "lxml")


def find_problems(email: Email, raw: bytes, *, bulk: bool) -> list[str]:
    """Return every problem as `rule: problem`; an empty list is a good mail."""
    mail = Mail(email, raw, bulk)
    return [f"{rule.__name__}: {problem}" for rule in RULES for problem in rule(mail)]


def check_headers(mail: Mail) -> Iterator[str]:
    """Check that each header stands once and no control character got in."""
    lines = re.sub(rb"\r\n[ \t]", b" ", mail.head).decode("utf-8").split("\r\n")
    names = [line.partition(":")[0] for line in lines]
    for name in (*REQUIRED_HEADERS, "Auto-Submitted", "Content-Language"):
        if names.count(name) != 1:
            yield f"{name} stands {names.count(name)} times"
    for name in LIST_HEADERS:
        if names.count(name) != int(mail.bulk):
            yield f"{name} stands {names.count(name)} times in a {'bulk' if mail.bulk else 'single'} mail"
    yield from (f"{name} must not be set" for name in FORBIDDEN_HEADERS if name in names)
    yield from (f"not a header line: {line!r}" for line in lines if not re.match(r"[A-Za-z-]+: \S", line))
    yield from (f"longer than 998: {line[:60]!r}" for line in mail.head.split(b"\r\n") if len(line) > 998)
    if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)", mail.head):
        yield "a control character"


def check_list_headers(mail: Mail) -> Iterator[str]:
    """Check that list headers stand on one line each and are not encoded."""
    for line in mail.head.split(b"\r\n"):
        if line.startswith((b"List-", b"Archived-At", b"Message-ID")) and (b"=?" in line or b">" not in line):
            if line.startswith((b"List-Post", b"List-Unsubscribe-Post")):
                continue
            yield f"folded or encoded: {line!r}"
    unsubscribe = mail.parsed["List-Unsubscribe"] or ""
    if mail.bulk and not re.fullmatch(r"<https?://\S+>, <mailto:[^\s>]+>", str(unsubscribe)):
        yield f"List-Unsubscribe: {unsubscribe}"


def check_subject(mail: Mail) -> Iterator[str]:
    """Check the length of the subject and of the preheader of a digest."""
    if not 1 <= len(mail.email.subject) <= 60:
        yield f"the subject has {len(mail.email.subject)} characters"
    if str(mail.parsed["Subject"]) != mail.email.subject:
        yield f"the subject arrives as {mail.parsed['Subject']!r}"
    hidden = mail.page.select_one("body > .preheader")
    preheader = hidden.get_text().strip() if hidden else ""
    min_chars = 30 if preheader.isascii() else 12  # one Chinese character is about a word
    if mail.bulk and not min_chars <= len(preheader) <= 160:
        yield f"the preheader has {len(preheader)} characters: {preheader!r}"
    if hidden and "display:none" not in str(hidden["style"]):
        yield "the preheader is not hidden"


def check_mime(mail: Mail) -> Iterator[str]:
    """Check text then HTML, in seven-bit quoted-printable that decodes to what was rendered."""
    parts = list(mail.parsed.iter_parts())
    formats = [
        (part.get_content_type(), part.get_content_charset(), part["Content-Transfer-Encoding"])
        for part in parts
    ]
    if formats != [
        (content_type, "utf-8", "quoted-printable") for content_type in ("text/plain", "text/html")
    ]:
        yield f"parts are {formats}"
    for part, rendered in zip(parts, (mail.email.text, mail.email.html), strict=True):
        if part.get_content().replace("\r\n", "\n").rstrip("\n") != rendered.rstrip("\n"):
            yield f"{part.get_content_type()} reads back differently"
    if not mail.raw.isascii() and mail.head.isascii():
        yield "eight-bit letters in the body"
    if re.search(rb"(?<!\r)\n|\r(?!\n)", mail.raw):
        yield "a bare CR or LF"
    body = mail.raw.partition(b"\r\n\r\n")[2].split(b"\r\n")
    yield from (f"a line of {len(line)}: {line!r}" for line in body if len(line) > 78)
    yield from ("a line that starts with a dot" for line in body if line.startswith(b"."))
    if mail.parsed.defects:
        yield str(mail.parsed.defects)


def check_sizes(mail: Mail) -> Iterator[str]:
    """Check that no mail program clips the mail or drops its styles."""
    size = len(mail.email.html.encode())
    if size > 80_000:
        yield f"{size} bytes of HTML"
    styles = mail.page.find_all("style")
    if len(styles) != 1 or len(styles[0].get_text()) > 2048:
        yield f"{len(styles)} style elements, {[len(style.get_text()) for style in styles]} bytes"


def check_document(mail: Mail) -> Iterator[str]:
    """Check doctype, language, title, meta tags and allowed elements."""
    page = mail.page
    if not mail.email.html.startswith("<!doctype html>\n<html lang="):
        yield "no doctype or language"
    if page.title is None or page.title.get_text() != mail.email.subject:
        yield "the title is not the subject"
    article = page.select_one("[role=article]")
    if article is None or article.get("aria-label") != mail.email.subject:
        yield "no article labelled with the subject"
    for name in ("viewport", "color-scheme", "supported-color-schemes", "format-detection"):
        if not page.select(f"meta[name={name}]"):
            yield f"no meta {name}"
    tags = {tag.name for tag in page.find_all(True)}
    yield from (f"an element <{name}>" for name in sorted(tags - ALLOWED_TAGS))
    if len(page.find_all("table")) != 1:
        yield f"{len(page.find_all('table'))} tables"


def check_headings(mail: Mail) -> Iterator[str]:
    """Check for one h1 and no skipped level."""
    levels = [int(tag.name[1]) for tag in mail.page.find_all(re.compile("h[1-6]"))]
    if levels.count(1) != 1 or levels[:1] != [1]:
        yield f"levels {levels}"
    yield from (f"h{a} then h{b}" for a, b in pairwise(levels) if b > a + 1)


def check_links(mail: Mail) -> Iterator[str]:
    """Check for http(s) links only, each with a text, and nothing loaded from anywhere."""
    for anchor in mail.page.find_all("a"):
        if not re.match(r"https?://[^\s\"'<>]+$", str(anchor.get("href"))):
            yield f"href {anchor.get('href')!r}"
        if not anchor.get_text().strip():
            yield f"a link without words: {anchor['href']}"
    for tag in mail.page.find_all(True):
        forbidden = {"src", "srcset", "background", "action", "onclick", "onload", "onerror"} & set(tag.attrs)
        yield from (f"<{tag.name} {name}=>" for name in forbidden)
    if re.search(r"url\(|@import|@font-face", mail.email.html):
        yield "a remote load in CSS"


def check_inline_styles(mail: Mail) -> Iterator[str]:
    """Check that size, colour and family of every text are inline."""
    for text in find_texts(mail.page):
        style = get_inherited_style(text)
        for name in ("font-size", "line-height", "color", "font-family", "background-color"):
            if name not in style:
                yield f"no {name} at {text!r}"
        if float(style.get("font-size", "16px").removesuffix("px")) < 13:
            yield f"too small: {text!r}"


def check_contrasts(mail: Mail) -> Iterator[str]:
    """Check the contrast in the light and the dark scheme."""
    dark = parse_dark_rules(mail.page)
    for text in find_texts(mail.page):
        for scheme, rules in (("light", {}), ("dark", dark)):
            style = get_inherited_style(text, rules)
            ratio = contrast_ratio(style["color"], style["background-color"])
            if ratio < 4.5:
                yield f"contrast {ratio:.1f} in {scheme} at {text!r}"


def check_text_part(mail: Mail) -> Iterator[str]:
    """Check the text part: 72 columns, no markup, no runs of blank lines."""
    text = mail.email.text
    for line in text.splitlines():
        if display_width(line) > MAX_COLUMNS and not URL.search(line):
            yield f"{display_width(line)} columns: {line!r}"
        if line != line.rstrip() and line != "-- ":
            yield f"trailing blanks: {line!r}"
    if "\n\n\n" in text or not text.endswith("\n") or text.startswith("\n"):
        yield "a run of blank lines"
    if re.search(r"&(?:amp|lt|gt|quot|#\d+);|</?(?:p|a|div|br|h\d)\b[^>]*>", text) and "hostile" not in text:
        yield "markup in the text part"
    if text.count("\n-- \n") != 1:
        yield "no signature line"


def check_agreement(mail: Mail) -> Iterator[str]:
    """Check that the text has nine tenths of the words and of the paper links of the HTML."""
    html_text = " ".join(find_texts(mail.page))
    html_words, text_words = (
        set(WORD.findall(html_text.casefold())),
        set(WORD.findall(mail.email.text.casefold())),
    )
    if html_words and len(html_words & text_words) < 0.9 * len(html_words):
        yield f"the text lacks {sorted(html_words - text_words)}"
    html_links = {
        str(anchor["href"])
        for anchor in mail.page.find_all("a", href=re.compile("^http"))
        if "/v/" not in anchor["href"]
    }
    text_links = set(URL.findall(mail.email.text))
    if html_links and len(html_links & text_links) < 0.9 * len(html_links):
        yield f"the text lacks {sorted(html_links - text_links)}"


def find_texts(page: BeautifulSoup) -> Iterator[NavigableString]:
    """Yield every visible text."""
    for text in page.body.find_all(string=True) if page.body else ():
        is_visible = type(text) is NavigableString and text.strip()
        if is_visible and not any("preheader" in get_classes(tag) for tag in text.parents):
            yield text


def get_classes(tag: Tag) -> list[str]:
    """Return the classes of an element."""
    return str(tag.get("class", "")).strip("[]'").replace("', '", " ").split()


def get_inherited_style(
    text: NavigableString, rules: dict[str, dict[str, str]] | None = None
) -> dict[str, str]:
    """Return the style of a text from inline styles, with class rules over them if given."""
    style: dict[str, str] = {}
    for tag in text.parents:
        if tag.name in ("html", "[document]"):
            break
        own = parse_declarations(str(tag.get("style", "")))
        for name in get_classes(tag):
            own |= (rules or {}).get(name, {})
        style = own | style
    return style


def parse_dark_rules(page: BeautifulSoup) -> dict[str, dict[str, str]]:
    """Return the rules of the dark scheme by class."""
    css = page.style.get_text() if page.style else ""
    block = re.search(r"prefers-color-scheme:\s*dark\)\{(.*)\}", css, re.DOTALL)
    rules: dict[str, dict[str, str]] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^}]*)\}", block[1] if block else ""):
        for name in re.findall(r"\.([\w-]+)", selectors):
            rules.setdefault(name, {}).update(parse_declarations(body))
    return rules


def parse_declarations(style: str) -> dict[str, str]:
    """Return `color:#fff;margin:0` as a mapping."""
    pairs = (part.partition(":") for part in style.replace("!important", "").split(";") if ":" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


RULES: tuple[Rule, ...] = (
    check_headers, check_list_headers, check_subject, check_mime, check_sizes, check_document, check_headings,
    check_links, check_inline_styles, check_contrasts, check_text_part, check_agreement,
)  # fmt: skip
