"""How do a title, an abstract and a name read? One line of Unicode that any mail client shows.

Nothing is lost and nothing raises: what is not understood stands as its name or as it was. Only what no
reader may be shown goes: control, zero-width and direction-override characters.
"""

import html
import re
import unicodedata
from collections.abc import Iterable

from digest.sources.text.latex import BRACES, spoken
from digest.sources.text.latex_symbols import GREEK

_MONEY = "\ue000"  # a dollar that is money, until the reading is done; cleaned text holds no such character
_HELD = "\ue003"  # an address, likewise
_LINK = re.compile(r"https?://[^\s{}\\$<>]+")
_SHIFTED_TAG = re.compile(r"<(sup|sub)>([\w+\-−., ]{1,12})</\1>", re.IGNORECASE)  # noqa: RUF001
_INLINE_TAG = re.compile(
    r"</?(?:jats:)?(?:a|i|b|u|em|strong|sub|sup|inf|span|italic|bold|sc|font|tt|code|small)\b[^<>]*>",
    re.IGNORECASE,
)
_BLOCK_TAG = re.compile(
    r"</?(?:jats:[a-z-]+|p|br|div|ul|ol|li|h[1-6]|table|tbody|tr|td|th|img|figure|figcaption|section|sec|title"
    r"|blockquote|pre|hr|dl|dt|dd|header|footer|abstract)\b[^<>]*>|<!--.{0,2000}?-->|<!\[CDATA\[|\]\]>",
    re.IGNORECASE | re.DOTALL,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# Control characters (white space aside), zero-width and bidi characters, private use, surrogates, tags.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\uffff\ud800-\udfff\ue000-\uf8ff"
    "\U000e0000-\U0010ffff]"
)
# \tau, \rho, \beta and \frac, of which someone took the beginning for an escape: a tab, a return, ...
_ESCAPES = {"\t": r"\t", "\r": r"\r", "\x08": r"\b", "\x0c": r"\f"}
_SWALLOWED = re.compile(
    r"\t(?=(?:au|imes|heta|ilde|o|op|ext(?:bf|it|tt|rm)?)(?![a-z]))|\r(?=(?:ho|ightarrow|angle|m)(?![a-z]))"
    r"|\x08(?=[a-z])|\x0c(?=(?:rac|orall)(?![a-z]))"
)
_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]")  # count as letters, show nothing
_MOJIBAKE = re.compile("[\xc2-\xf4][\x80-\xbf]*[\x80-\x9f][\x80-\xbf]*")
_TEX = ("\\", "{", "}", "$", "^", "_", "~")
_TYPED = ("--", "``", "''", "`")

_DOUBLED = ("--", "''", "  ")
_ORDINARY = bytes(byte for byte in range(0x20, 0x7F) if byte not in b"\\{}$^_~`&")

# Lookbehinds stand behind the letters they look from: only so does `re` jump from one to the next.
_DEGREE = re.compile(r"\^\s*(?:\\circ(?![a-zA-Z])|circ(?![a-zA-Z])|\{\s*\\?(?:circ|degree)\s*\})")
_DRESSES = tuple(
    "textbf texttt textit textrm textsc textsf text mathbf mathbb mathcal mathrm mathsf emph".split()  # noqa: SIM905
)
_QUOTED = re.compile(r'\\"(?<!\w\\")([^\s"\\][^"\\]{0,200}?)\\"(?!\w)')
_POSSESSIVE = re.compile(r"\\'(?<=\w\\')(?=(?:s|t|re|ve|ll|d|m)\b)")
_GLUED_ACCENT = re.compile(r"\\\\(?<=[^\W\d_]\\\\)(?=['\"`][^\W\d_])")
_BARE_GREEK = re.compile(r"(?:" + "|".join([*GREEK, "ell"]) + r")(?=$|[_^])")
_DOUBLE_QUOTES = re.compile(r"``(.{0,400}?)''", re.DOTALL)
_SINGLE_QUOTES = re.compile(r"(?<!`)`([^`'\n]+)'(?!')")
_LONG_DASH = re.compile(r"---(?<!----)(?!-)")
_SHORT_DASH = re.compile(r"--(?:(?<=\w--)(?=[\w\s])|(?<=\s--)(?=\s))(?!-)")
_AMOUNT = re.compile(r"\s?\d")
_MATHLIKE = re.compile(r"[\\^_{}=<>]")
_WORDY = re.compile(r"[a-zA-Z]{2,}\s|\s[a-zA-Z]{2,}|[\s/–—-]$")
_PROSE = re.compile(r"[\s,.;:]+(?:[a-zA-Z]{2,}[\s,.;:]+)+$")  # between the signs of `1$ or 2$`
_CURRENCY = re.compile(r"(?:^|[^a-zA-Z])(?:US|AU|CA|HK|NZ|A|C|S|R)$")
_TITLE_REST = re.compile(r"[$\\{}" + "".join(BRACES.values()) + "]")


def plain(text: str) -> str:
    """An abstract, or any prose, as one line of readable Unicode."""
    text = text.replace("\n", " ")
    if _is_ordinary(text):
        return text.strip()
    said = _read(text)
    for brace, seen in BRACES.items():
        said = said.replace(seen, brace)
    return _one_line(said.replace(_MONEY, "$"))


def title(text: str) -> str:
    """A title as one line of readable Unicode; no TeX is left in it, only dollars that are money."""
    text = text.replace("\n", " ")
    if _is_ordinary(text):
        return text.strip()
    return _one_line(_TITLE_REST.sub("", _read(text)).replace(_MONEY, "$"))


def name(text: str) -> str:
    """A person's name as one line of readable Unicode; every tie is a space."""
    if _is_ordinary(text):
        return text.strip(" ,;")
    return _one_line(title(text).replace("~", " ")).strip(" ,;")


def names(texts: Iterable[str]) -> tuple[str, ...]:
    """Many people's names; they are looked at together, for most need no reading."""
    given = list(texts)
    spelt = given if _is_ordinary(" ".join(given)) else map(name, given)
    return tuple(filter(None, (text.strip(" ,;") for text in spelt)))


def untagged(text: str) -> str:
    """Prose out of HTML or JATS as feeds carry it: its tags gone, raised and lowered letters kept."""
    if "<" not in text:
        return text
    text = _SHIFTED_TAG.sub(lambda tag: f"${'^' if tag[1].lower() == 'sup' else '_'}{{{tag[2]}}}$", text)
    return html.unescape(_BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", text)))


def _is_ordinary(text: str) -> bool:
    """Whether the text may stand as it is. Most may, so this is one pass over its bytes."""
    return text.isascii() and not text.encode().translate(None, _ORDINARY) and not _has_any(text, _DOUBLED)


def _has_any(text: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:  # noqa: SIM110  a plain loop is faster, and this is asked of every text
        if mark in text:
            return True
    return False


def _read(text: str) -> str:
    text = _clean(text)
    if _has_any(text, _TEX):
        text = _speak(text)
    if _has_any(text, _TYPED):
        text = _typeset(text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _clean(text: str) -> str:
    """Entities decoded once, mangled UTF-8 mended, invisible characters gone."""
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if text.isprintable():
        return text if text.isascii() else _FILLERS.sub("", text)
    text = _SWALLOWED.sub(lambda command: _ESCAPES[command[0]], text)
    text = _FILLERS.sub("", _UNSEEN.sub("", _MOJIBAKE.sub(_mend, text)))
    return " ".join(text.split())


def _mend(mangled: re.Match[str]) -> str:
    """UTF-8 that someone read as Latin-1 has control characters in it; without them we would not dare."""
    try:
        return mangled[0].encode("latin-1").decode("utf-8")
    except UnicodeError:
        return mangled[0]


def _speak(text: str) -> str:
    if "\\" in text:
        text = _QUOTED.sub(r"“\1”", _POSSESSIVE.sub("'", _GLUED_ACCENT.sub(r"\\", text)))
    if "^" in text:
        text = _DEGREE.sub("°", text)
    if "{" in text:
        text = "{".join(_with_backslash(piece) for piece in text.split("{"))
    links = _LINK.findall(text)
    if links:
        text = _LINK.sub(_HELD, text)  # an address is full of signs that mean something else elsewhere
    said = spoken(_mark_money(text), has_tex="\\" in text or "$" in text)
    waiting = iter(links)
    return re.sub(_HELD, lambda _: next(waiting, ""), said) if links else said


def _with_backslash(piece: str) -> str:
    """`texttt` before a brace, from which someone took the backslash, is given it again."""
    if not piece.endswith(_DRESSES):
        return piece
    start = next(len(piece) - len(dress) for dress in _DRESSES if piece.endswith(dress))
    before = piece[start - 1 : start]
    return piece if before == "\\" or before.isalpha() else f"{piece[:start]}\\{piece[start:]}"


def _mark_money(text: str) -> str:
    """Dollars that are money are marked; the pairs that enclose mathematics stay."""
    pieces = text.replace("\\$", _MONEY).split("$")
    done, index = [pieces[0]], 1
    while index < len(pieces):
        inside, is_pair = pieces[index], index + 1 < len(pieces)
        if _is_money(done[-1], inside, is_pair=is_pair):
            done.append(_MONEY + inside)
        elif is_pair:
            done.append(f"${_named(inside.strip())}$")
            done.append(pieces[index + 1])
            index += 1
        else:
            done.append("$" + inside)
        index += 1
    return "".join(done)


def _is_money(before: str, after: str, *, is_pair: bool) -> bool:
    """$5, US$ 5 and 1$ are, $5$ and $5^n$ are not; of `$5 to $9` the first is, for words come after it."""
    if before[-1:].isdigit() and (not is_pair or _PROSE.match(after)):
        return True
    if not _AMOUNT.match(after):
        return False
    if not is_pair or _CURRENCY.search(before[-4:]):
        return True
    return not _MATHLIKE.search(after) and bool(_WORDY.search(after))


def _named(math: str) -> str:
    """`lambda`, from which someone took the backslash, is given it again."""
    return "\\" + math if _BARE_GREEK.match(math) else math


def _typeset(text: str) -> str:
    """Typed quotes and dashes as print has them; command-line options keep theirs."""
    if "`" in text:
        text = _SINGLE_QUOTES.sub(r"‘\1’", _DOUBLE_QUOTES.sub(r"“\1”", text))
    return _SHORT_DASH.sub("–", _LONG_DASH.sub("—", text)) if "--" in text else text


def _one_line(text: str) -> str:
    """Blanks collapsed; white space of any other kind went when the text was cleaned."""
    return " ".join(text.split()) if "  " in text else text.strip()
