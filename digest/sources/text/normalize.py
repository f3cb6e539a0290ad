"""Normalization of titles, abstracts and names to one line of Unicode that any mail client can show.

Nothing is lost and nothing raises: what is not understood is printed as its name or as it was. Only control,
zero-width and direction-override characters are removed, which no reader may be shown.
"""

import html
import re
import unicodedata
from collections.abc import Collection, Iterable

from digest.models.text import remove_unseen
from digest.sources.text.latex import BRACE_PLACEHOLDERS, latex_to_text
from digest.sources.text.latex_symbols import GREEK
from digest.sources.text.names import invert_name

# Placeholders until the conversion is done; cleaned text holds no such characters.
_MONEY = "\ue000"  # a dollar that is money
_URL_PLACEHOLDER = "\ue003"
_URL = re.compile(r"https?://[^\s{}\\$<>]+")
_SCRIPT_TAG = re.compile(r"<(sup|sub)>([\w+\-−., ]{1,12})</\1>", re.IGNORECASE)  # noqa: RUF001
# Attributes have values: of `b<a and c>d` nothing is a tag. Only what HTML, JATS or MathML name is one.
_TAG = re.compile(
    r"""<(/?)((?:jats:|mml:|m:)?)([a-z][a-z0-9-]{0,20})"""
    r"""((?:\s+[\w:.-]+\s*=\s*(?:"[^"]{0,2000}"|'[^']{0,2000}'|[^\s"'<>=]+))*)\s*/?>""",
    re.IGNORECASE,
)
_INLINE_TAGS = frozenset(
    "a abbr acronym alternatives b big bdi bdo bold cite code del dfn em ext-link font i inf inline-formula"  # noqa: SIM905
    " inline-graphic ins italic kbd label mark monospace named-content nobr o q roman s samp sanserif sc"
    " small span strike strong styled-content sub sup tex-math time tt u underline var wbr xref"
    " math mfenced mfrac mi mn mo mover mpadded mroot mrow ms mspace msqrt mstyle msub msubsup msup mtext "
    "munder munderover semantics".split()
)
_BLOCK_TAGS = frozenset(
    "abstract address article aside blockquote body br caption center col colgroup dd details disp-formula"  # noqa: SIM905
    " dispformula div dl dt embed figcaption figure footer graphic h1 h2 h3 h4 h5 h6 head header hr html"
    " iframe img input li link main meta nav noscript object ol option p picture pre sec section source"
    " summary svg table tbody td tfoot th thead title tr track ul video audio".split()
)
_HIDDEN = tuple((name, re.compile(rf"<{name}\b[^<>]*>", re.IGNORECASE)) for name in ("script", "style"))
# Not possessive (`*+`) after a lookahead: Python before 3.11.5 never matches that.
_MARKED_SECTION = re.compile(r"<!--(?:(?!<!--|-->).)*-->|<!\[CDATA\[|\]\]>", re.DOTALL)
# JATS has a formula in TeX, often as a whole document, and again in MathML; TeX tells indices from letters.
_FORMULA_NAMES = r"(?:jats:)?(?:alternatives|inline-formula|disp-formula)"
_FORMULA = re.compile(rf"<({_FORMULA_NAMES})\b[^<>]*>((?:(?!</?{_FORMULA_NAMES}\b).)*)</\1\s*>", re.DOTALL)
_TEX_MATH = re.compile(
    r"<((?:jats:)?tex-math)\b[^<>]*>((?:(?!</?(?:jats:)?tex-math\b).)*)</\1\s*>", re.DOTALL
)
_TEX_DOCUMENT = re.compile(
    r"\\documentclass(?:(?!\\documentclass|\\begin\{document\}).)*\\begin\{document\}|\\end\{document\}",
    re.DOTALL,
)
_MATH_MARKS = re.compile(r"(?<!\\)(?:\$|&amp;)")  # delimiters, and what aligns lines
_INSTRUCTION = re.compile(r"<\?([A-Za-z]\w*)((?:(?!<\?|\?>).)*)\?>", re.DOTALL)
_MAX_ESCAPES = 3  # how often a title may have been escaped on its way
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
# \tau, \rho, \beta and \frac whose beginning somebody read as an escape: a tab, a return, ...
_ESCAPES = {"\t": r"\t", "\r": r"\r", "\x08": r"\b", "\x0c": r"\f"}
_LOST_BACKSLASH = re.compile(
    r"\t(?=(?:au|imes|heta|ilde|o|op|ext(?:bf|it|tt|rm)?)(?![a-z]))|\r(?=(?:ho|ightarrow|angle|m)(?![a-z]))"
    r"|\x08(?=[a-z])|\x0c(?=(?:rac|orall)(?![a-z]))"
)
_FILLERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]")  # are letters for Python, but invisible
_MOJIBAKE = re.compile("[\xc2-\xf4][\x80-\xbf]*[\x80-\x9f][\x80-\xbf]*")
# As browsers read them: nobody means the control characters that windows-1252 has its quotes in place of.
_C1_AS_WINDOWS = {code: bytes([code]).decode("cp1252", "ignore") or None for code in range(0x80, 0xA0)}
_TEX_MARKS = ("\\", "{", "}", "$", "^", "_", "~")
_TYPED_MARKS = ("--", "``", "''", "`")
_DOUBLED = ("--", "''", "  ")
_PLAIN_BYTES = bytes(byte for byte in range(0x20, 0x7F) if byte not in b"\\{}$^_~`&")

# Lookbehinds stand after the characters they look back from: only then does `re` skip quickly to candidates.
_DEGREE = re.compile(r"\^\s*(?:\\circ(?![a-zA-Z])|circ(?![a-zA-Z])|\{\s*\\?(?:circ|degree)\s*\})")
_STYLE_COMMANDS = tuple(
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
_MATH = re.compile(r"[\\^_{}=<>]")
_WORDS = re.compile(r"[a-zA-Z]{2,}\s|\s[a-zA-Z]{2,}|[\s/–—-]$")
_PROSE = re.compile(r"[\s,.;:]+(?:[a-zA-Z]{2,}[\s,.;:]+)+$")  # between the dollars of `1$ or 2$`
_CURRENCY = re.compile(r"(?:^|[^a-zA-Z])(?:US|AU|CA|HK|NZ|A|C|S|R)$")
_TEX_IN_TITLE = re.compile(r"[$\\{}" + "".join(BRACE_PLACEHOLDERS.values()) + "]")


def normalize_text(text: str) -> str:
    """Return an abstract, or any prose, as one line of readable Unicode."""
    text = text.replace("\n", " ")
    if _is_plain(text):
        return text.strip()
    converted = _convert(text)
    for brace, placeholder in BRACE_PLACEHOLDERS.items():
        converted = converted.replace(placeholder, brace)
    return _collapse_spaces(converted.replace(_MONEY, "$"))


def normalize_title(text: str) -> str:
    """Return a title as one line of readable Unicode, without any TeX, and with dollars only for money."""
    text = text.replace("\n", " ")
    if _is_plain(text):
        return text.strip()
    return _collapse_spaces(_TEX_IN_TITLE.sub("", _convert(text)).replace(_MONEY, "$"))


def normalize_name(text: str) -> str:
    """Return a person's name as one line of readable Unicode; every TeX tie (~) is a space."""
    if _is_plain(text):
        return text.strip(" ,;")
    return _collapse_spaces(normalize_title(text).replace("~", " ")).strip(" ,;")


def normalize_inverted_name(text: str) -> str:
    """Return `Gauss, Carl Friedrich` as Carl Friedrich Gauss, and `King, M. L., Jr.` as M. L. King Jr."""
    return normalize_name(invert_name(text))


def normalize_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return many people's names; checked together first, as most need no conversion."""
    raw = list(texts)
    names = raw if _is_plain(" ".join(raw)) else map(normalize_name, raw)
    return tuple(filter(None, (name.strip(" ,;") for name in names)))


def strip_tags(text: str) -> str:
    """Return the prose of HTML or JATS without tags, also of such as was escaped more than once.

    Paragraphs, list items and their like are lines.
    <sup> and <sub> become TeX, to be normalized later. A comparison (a<b) is no tag, and stays.
    """
    for _ in range(_MAX_ESCAPES):
        if "<" not in text and "&" not in text:
            break
        text = _decode_entities(_strip_tags_once(text) if "<" in text else text)
    return _strip_tags_once(text) if "<" in text else text


def _strip_tags_once(text: str) -> str:
    for name, opening in _HIDDEN:
        if f"</{name}" in text.lower():
            first, *others = opening.split(text)
            text = first + "".join(re.split(rf"(?i)</{name}\s*>", part, maxsplit=1)[-1] for part in others)
    text = _MARKED_SECTION.sub(" ", text)
    if "<?" in text:  # IOP puts its TeX into an instruction called CDATA
        text = _INSTRUCTION.sub(lambda found: found[2] if found[1] == "CDATA" else " ", text)
    if "tex-math" in text:
        text = _TEX_MATH.sub(_read_formula, _FORMULA.sub(_read_formula, text))
    pairs = {match[3].lower() for match in _TAG.finditer(text) if match[1]}
    text = _TAG.sub(lambda tag: _strip_tag(tag, pairs, keep_scripts=True), text)
    text = _SCRIPT_TAG.sub(lambda tag: f"${'^' if tag[1].lower() == 'sup' else '_'}{{{tag[2]}}}$", text)
    return _TAG.sub(lambda tag: _strip_tag(tag, pairs, keep_scripts=False), text)


def _read_formula(formula: re.Match[str]) -> str:
    """Return a formula's TeX without its twins in MathML and pictures; one without TeX as it is."""
    tex = _TEX_MATH.search(formula[0])
    return f"${_MATH_MARKS.sub('', _TEX_DOCUMENT.sub('', tex[2])).strip()}$" if tex else formula[0]


def _strip_tag(tag: re.Match[str], pairs: Collection[str], *, keep_scripts: bool) -> str:
    """Return what stands in place of a tag: itself if it is unknown, or compares two letters (a<b>c)."""
    prefix, name = tag[2].lower(), tag[3].lower()
    if keep_scripts and name in {"sub", "sup"}:
        return f"<{tag[1]}{name}>"
    if name in _INLINE_TAGS or prefix in {"mml:", "m:"}:
        is_glued = tag.string[max(tag.start() - 1, 0) : tag.start()].isalnum()
        is_comparison = len(name) == 1 and is_glued and not (prefix or tag[1] or tag[4] or name in pairs)
        return tag[0] if is_comparison else ""
    return "\n" if name in _BLOCK_TAGS or prefix else tag[0]


def _decode_entities(text: str) -> str:
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)


def _is_plain(text: str) -> bool:
    """Return whether no conversion is needed. That is usual, so this is one pass over the bytes."""
    return text.isascii() and not text.encode().translate(None, _PLAIN_BYTES) and not has_any(text, _DOUBLED)


def has_any(text: str, marks: tuple[str, ...]) -> bool:
    """Return whether one of these marks is in the text."""
    for mark in marks:  # noqa: SIM110  a plain loop is faster, and this runs for every text
        if mark in text:
            return True
    return False


def _convert(text: str) -> str:
    text = _clean(text)
    if has_any(text, _TEX_MARKS):
        text = _convert_tex(text)
    if has_any(text, _TYPED_MARKS):
        text = _convert_punctuation(text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _clean(text: str) -> str:
    """Decode entities once, repair mangled UTF-8, and remove invisible characters."""
    if "&" in text:
        text = _decode_entities(text)
    if text.isprintable():
        return text if text.isascii() else _FILLERS.sub("", text)
    text = _LOST_BACKSLASH.sub(lambda command: _ESCAPES[command[0]], text)
    text = _MOJIBAKE.sub(_repair_utf8, text).translate(_C1_AS_WINDOWS)
    text = _FILLERS.sub("", remove_unseen(text))
    return " ".join(text.split())


def _repair_utf8(mangled: re.Match[str]) -> str:
    """Decode UTF-8 that was read as Latin-1; only control characters within make that certain enough."""
    try:
        return mangled[0].encode("latin-1").decode("utf-8")
    except UnicodeError:
        return mangled[0]


def _convert_tex(text: str) -> str:
    if "\\" in text:
        text = _TEX_DOCUMENT.sub("", text)
        text = _QUOTED.sub(r"“\1”", _POSSESSIVE.sub("'", _GLUED_ACCENT.sub(r"\\", text)))
    if "^" in text:
        text = _DEGREE.sub("°", text)
    if "{" in text:
        text = "{".join(_restore_backslash(piece) for piece in text.split("{"))
    urls = _URL.findall(text)
    if urls:
        text = _URL.sub(_URL_PLACEHOLDER, text)  # URLs are full of characters that mean something in TeX
    converted = latex_to_text(_mark_money(text), has_tex="\\" in text or "$" in text)
    remaining = iter(urls)
    return re.sub(_URL_PLACEHOLDER, lambda _: next(remaining, ""), converted) if urls else converted


def _restore_backslash(piece: str) -> str:
    """Return a piece that ends before a brace, with the backslash that its last word (`texttt`) lost."""
    if not piece.endswith(_STYLE_COMMANDS):
        return piece
    start = next(len(piece) - len(command) for command in _STYLE_COMMANDS if piece.endswith(command))
    before = piece[start - 1 : start]
    return piece if before == "\\" or before.isalpha() else f"{piece[:start]}\\{piece[start:]}"


def _mark_money(text: str) -> str:
    """Replace the dollars that are money with placeholders; pairs around mathematics stay."""
    pieces = text.replace("\\$", _MONEY).split("$")
    result, index = [pieces[0]], 1
    while index < len(pieces):
        after, is_pair = pieces[index], index + 1 < len(pieces)
        if _is_money(result[-1], after, is_pair=is_pair):
            result.append(_MONEY + after)
        elif is_pair:
            math = after.strip()
            # `lambda` alone has lost its backslash
            result.append(f"$\\{math}$" if _BARE_GREEK.match(math) else f"${math}$")
            result.append(pieces[index + 1])
            index += 1
        else:
            result.append("$" + after)
        index += 1
    return "".join(result)


def _is_money(before: str, after: str, *, is_pair: bool) -> bool:
    """Return True for $5, US$ 5, 1$ and the first of `$5 to $9` (words follow), not for $5$ and $5^n$."""
    if before[-1:].isdigit() and (not is_pair or _PROSE.match(after)):
        return True
    if not _AMOUNT.match(after):
        return False
    if not is_pair or _CURRENCY.search(before[-4:]):
        return True
    return not _MATH.search(after) and bool(_WORDS.search(after))


def _convert_punctuation(text: str) -> str:
    """Replace typed quotes and dashes with typographic ones; command-line options keep theirs."""
    if "`" in text:
        text = _SINGLE_QUOTES.sub(r"‘\1’", _DOUBLE_QUOTES.sub(r"“\1”", text))
    return _SHORT_DASH.sub("–", _LONG_DASH.sub("—", text)) if "--" in text else text


def _collapse_spaces(text: str) -> str:
    """Collapse runs of spaces; other white space was removed by `_clean`."""
    return " ".join(text.split()) if "  " in text else text.strip()
