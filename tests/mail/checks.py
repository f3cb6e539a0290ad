"""What is wrong with a mail? All that the design holds a mail to, as findings in words; none is the goal."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import pairwise

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from digest.mail.branding import contrast
from digest.mail.text_wrap import COLUMNS, width
from digest.models import Email

TRANSACTIONAL_ONCE = (
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
)
BULK = (
    "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help", "List-Owner", "List-Post",
    "List-Archive", "Archived-At", "Feedback-ID",
)  # fmt: skip
NEVER = ("Return-Path", "Bcc", "Sender", "X-Mailer", "Content-Disposition")
ALLOWED_TAGS = set(
    "html head meta title style body div table tbody tr td h1 h2 h3 p a br".split()  # noqa: SIM905  a word list
)
URL = re.compile(r"https?://[^\s>]+")
WORD = re.compile(r"[^\W_]{2,}")
Rule = Callable[["Mail"], Iterator[str]]


@dataclass(frozen=True)
class Mail:
    """One mail as written, as sent and as parsed again."""

    email: Email
    raw: bytes
    bulk: bool

    @property
    def head(self) -> bytes:
        """The header block as it travels."""
        return self.raw.partition(b"\r\n\r\n")[0]

    @property
    def parsed(self) -> EmailMessage:
        """As a mail program reads it."""
        message = message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def page(self) -> BeautifulSoup:
        """The HTML part as a tree."""
        return BeautifulSoup(self.email.html, "lxml")


def findings(email: Email, raw: bytes, *, bulk: bool) -> list[str]:
    """Everything that is wrong; an empty list is a good mail."""
    mail = Mail(email, raw, bulk)
    return [f"{rule.__name__}: {finding}" for rule in RULES for finding in rule(mail)]


def headers(mail: Mail) -> Iterator[str]:
    """Each header once, whole on its line, nothing smuggled in."""
    lines = re.sub(rb"\r\n[ \t]", b" ", mail.head).decode("utf-8").split("\r\n")
    names = [line.partition(":")[0] for line in lines]
    for name in (*TRANSACTIONAL_ONCE, "Auto-Submitted", "Content-Language"):
        if names.count(name) != 1:
            yield f"{name} stands {names.count(name)} times"
    for name in BULK:
        if names.count(name) != int(mail.bulk):
            yield f"{name} stands {names.count(name)} times in a {'bulk' if mail.bulk else 'single'} mail"
    yield from (f"{name} must not be set" for name in NEVER if name in names)
    yield from (f"not a header line: {line!r}" for line in lines if not re.match(r"[A-Za-z-]+: \S", line))
    yield from (f"longer than 998: {line[:60]!r}" for line in mail.head.split(b"\r\n") if len(line) > 998)
    if re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)", mail.head):
        yield "a control character"


def list_headers(mail: Mail) -> Iterator[str]:
    """Written out on one line each, never as encoded words."""
    for line in mail.head.split(b"\r\n"):
        if line.startswith((b"List-", b"Archived-At", b"Message-ID")) and (b"=?" in line or b">" not in line):
            if line.startswith((b"List-Post", b"List-Unsubscribe-Post")):
                continue
            yield f"folded or encoded: {line!r}"
    unsubscribe = mail.parsed["List-Unsubscribe"] or ""
    if mail.bulk and not re.fullmatch(r"<https?://\S+>, <mailto:[^\s>]+>", str(unsubscribe)):
        yield f"List-Unsubscribe: {unsubscribe}"


def subject(mail: Mail) -> Iterator[str]:
    """Sixty characters about today's papers; in a digest the preheader continues it."""
    if not 1 <= len(mail.email.subject) <= 60:
        yield f"the subject has {len(mail.email.subject)} characters"
    if str(mail.parsed["Subject"]) != mail.email.subject:
        yield f"the subject arrives as {mail.parsed['Subject']!r}"
    hidden = mail.page.select_one("body > .preheader")
    told = hidden.get_text().strip() if hidden else ""
    least = 30 if told.isascii() else 12  # a Chinese letter is a word
    if mail.bulk and not least <= len(told) <= 160:
        yield f"the preheader has {len(told)} characters: {told!r}"
    if hidden and "display:none" not in str(hidden["style"]):
        yield "the preheader is not hidden"


def mime(mail: Mail) -> Iterator[str]:
    """Text then HTML, quoted-printable, seven-bit, and read back unchanged."""
    parts = list(mail.parsed.iter_parts())
    shape = [
        (part.get_content_type(), part.get_content_charset(), part["Content-Transfer-Encoding"])
        for part in parts
    ]
    if shape != [(kind, "utf-8", "quoted-printable") for kind in ("text/plain", "text/html")]:
        yield f"parts are {shape}"
    for part, written in zip(parts, (mail.email.text, mail.email.html), strict=True):
        if part.get_content().replace("\r\n", "\n").rstrip("\n") != written.rstrip("\n"):
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


def sizes(mail: Mail) -> Iterator[str]:
    """Small enough never to be clipped."""
    size = len(mail.email.html.encode())
    if size > 80_000:
        yield f"{size} bytes of HTML"
    styles = mail.page.find_all("style")
    if len(styles) != 1 or len(styles[0].get_text()) > 2048:
        yield f"{len(styles)} style elements, {[len(style.get_text()) for style in styles]} bytes"


def document(mail: Mail) -> Iterator[str]:
    """The frame every mail program expects."""
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


def headings(mail: Mail) -> Iterator[str]:
    """One h1, and no level is skipped."""
    levels = [int(tag.name[1]) for tag in mail.page.find_all(re.compile("h[1-6]"))]
    if levels.count(1) != 1 or levels[:1] != [1]:
        yield f"levels {levels}"
    yield from (f"h{a} then h{b}" for a, b in pairwise(levels) if b > a + 1)


def links(mail: Mail) -> Iterator[str]:
    """http(s) only, each with words, and nothing loaded from anywhere."""
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


def inline_styles(mail: Mail) -> Iterator[str]:
    """Size, colour and family stand at the text itself or around it."""
    for text in texts(mail.page):
        style = inherited(text)
        for name in ("font-size", "line-height", "color", "font-family", "background-color"):
            if name not in style:
                yield f"no {name} at {text!r}"
        if float(style.get("font-size", "16px").removesuffix("px")) < 13:
            yield f"too small: {text!r}"


def contrasts(mail: Mail) -> Iterator[str]:
    """Readable in light and in dark."""
    dark = dark_rules(mail.page)
    for text in texts(mail.page):
        for scheme, rules in (("light", {}), ("dark", dark)):
            style = inherited(text, rules)
            ratio = contrast(style["color"], style["background-color"])
            if ratio < 4.5:
                yield f"contrast {ratio:.1f} in {scheme} at {text!r}"


def text_part(mail: Mail) -> Iterator[str]:
    """Good in a terminal: 72 columns, no markup, no gaps."""
    text = mail.email.text
    for line in text.splitlines():
        if width(line) > COLUMNS and not URL.search(line):
            yield f"{width(line)} columns: {line!r}"
        if line != line.rstrip() and line != "-- ":
            yield f"trailing blanks: {line!r}"
    if "\n\n\n" in text or not text.endswith("\n") or text.startswith("\n"):
        yield "a run of blank lines"
    if re.search(r"&(?:amp|lt|gt|quot|#\d+);|</?(?:p|a|div|br|h\d)\b[^>]*>", text) and "hostile" not in text:
        yield "markup in the text part"
    if text.count("\n-- \n") != 1:
        yield "no signature line"


def agreement(mail: Mail) -> Iterator[str]:
    """Both parts say the same: nine tenths of the words and of the links that lead to papers."""
    read = " ".join(texts(mail.page))
    words, told = set(WORD.findall(read.casefold())), set(WORD.findall(mail.email.text.casefold()))
    if words and len(words & told) < 0.9 * len(words):
        yield f"the text lacks {sorted(words - told)}"
    shown = {
        str(anchor["href"])
        for anchor in mail.page.find_all("a", href=re.compile("^http"))
        if "/v/" not in anchor["href"]
    }
    listed = set(URL.findall(mail.email.text))
    if shown and len(shown & listed) < 0.9 * len(shown):
        yield f"the text lacks {sorted(shown - listed)}"


def texts(page: BeautifulSoup) -> Iterator[NavigableString]:
    """Every text a reader sees."""
    for text in page.body.find_all(string=True) if page.body else ():
        seen = type(text) is NavigableString and text.strip()
        if seen and not any("preheader" in classes(tag) for tag in text.parents):
            yield text


def classes(tag: Tag) -> list[str]:
    """The classes of an element."""
    return str(tag.get("class", "")).strip("[]'").replace("', '", " ").split()


def inherited(text: NavigableString, rules: dict[str, dict[str, str]] | None = None) -> dict[str, str]:
    """The style of a text from inline styles alone, with class rules over them if given."""
    style: dict[str, str] = {}
    for tag in text.parents:
        if tag.name in ("html", "[document]"):
            break
        own = declarations(str(tag.get("style", "")))
        for name in classes(tag):
            own |= (rules or {}).get(name, {})
        style = own | style
    return style


def dark_rules(page: BeautifulSoup) -> dict[str, dict[str, str]]:
    """What the dark scheme says, by class."""
    css = page.style.get_text() if page.style else ""
    block = re.search(r"prefers-color-scheme:\s*dark\)\{(.*)\}", css, re.DOTALL)
    rules: dict[str, dict[str, str]] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^}]*)\}", block[1] if block else ""):
        for name in re.findall(r"\.([\w-]+)", selectors):
            rules.setdefault(name, {}).update(declarations(body))
    return rules


def declarations(style: str) -> dict[str, str]:
    """`color:#fff;margin:0` as a mapping."""
    pairs = (part.partition(":") for part in style.replace("!important", "").split(";") if ":" in part)
    return {name.strip(): value.strip() for name, _, value in pairs}


RULES: tuple[Rule, ...] = (
    headers, list_headers, subject, mime, sizes, document, headings, links, inline_styles, contrasts,
    text_part, agreement,
)  # fmt: skip
