"""Repair of text that is almost XML, by what HTML5 does with the same text. Linear in its length.

What is repaired: characters that XML forbids, "&" and "<" that mean themselves, names of HTML's entities,
sections and comments that never end, and start tags without an end. What remains broken is cut into items,
so that each is parsed on its own.
"""

import html
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html.entities import html5

MAX_DECLARATIONS = 64  # of namespaces: more are meant to harm
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND = re.compile(
    r"&(?:#[0-9]{1,9};?|#[xX][0-9a-fA-F]{1,8};?|[a-zA-Z][a-zA-Z0-9]{0,31};|(?:amp|lt|gt|quot|nbsp)(?![a-zA-Z0-9=]))?"
)
_XML_ENTITIES = frozenset({"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"})
_NO_TAG = re.compile(r"<(?!/?[a-zA-Z_])")
_TAG = re.compile(r"<(/?)([a-zA-Z_][\w:.-]*)([^<>]*)(>?)")
_SECTIONS = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
_SECTION = re.compile(r"<!--|<!\[CDATA\[|<\?")
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[]{0,1000}(?:\[[^\[\]]{0,10000}\]\s*)?>", re.IGNORECASE)
_DECLARATION = re.compile(
    r"""\s((?:xmlns(?::[\w.-]{1,40})?|xml:base)\s{0,9}=\s{0,9}(?:"[^"<]{0,500}"|'[^'<]{0,500}'))"""
)
_ATTRIBUTE = re.compile(r"""(?<!\S)([a-zA-Z_][\w:.-]{0,100})\s*=\s*("[^"]*"|'[^']*'|[^\s"']+)""")
_QUOTES = "\"'"
_PREFIX = re.compile(r"</?([a-zA-Z_][\w.-]{0,40}):")
# Where prefixes of feeds lead that a feed forgot to declare; any other leads nowhere.
_USUAL_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "arxiv": "http://arxiv.org/schemas/atom",
    "atom": "http://www.w3.org/2005/Atom",
}
_ROOT = re.compile(r"<([a-zA-Z_][\w:.-]*)")


@dataclass(frozen=True, slots=True)
class ItemSlices:
    """The items of a document, each cut from its text."""

    root: str  # the name of the document's root with its prefix; empty if there is none
    namespace: str  # of the root
    opening: str  # the start tag of an element `items` that declares the namespaces of the document
    slices: tuple[str, ...]
    is_complete: bool  # False if the document ends within an item or before the end of its root


def describe_counts(counts: Counter[str]) -> str:
    """Return "2 × bare ampersand, 1 × forbidden character"; empty if nothing was counted."""
    return ", ".join(f"{count} × {what}" for what, count in counts.items() if count)


def repair(text: str) -> tuple[str, Counter[str]]:
    """Return *text* repaired, without declaration, DOCTYPE, comments and CDATA marks; and the counts."""
    counts: Counter[str] = Counter()
    start = text.find("<")
    text = "".join(_iter_unwrapped(text[max(start, 0) :], counts))
    text = _DOCTYPE.sub("", text, count=1)
    text, counts["forbidden character"] = _FORBIDDEN.subn("", text)
    text = _AMPERSAND.sub(lambda match: _repair_ampersand(match, counts), text)
    text, marks = re.subn(r"\]\]>", "]]&gt;", text)
    text, bare = _NO_TAG.subn("&lt;", text)
    text, unclosed = _escape_unclosed(text)
    counts["bare angle bracket"] = marks + bare + unclosed
    return text.strip(), +counts


def cut_items(text: str, names: Collection[str]) -> ItemSlices:
    """Return every element of a repaired text whose local name is in *names*, with the root's namespaces.

    An element that is not closed ends where the next one begins; the last one is then left out.
    """
    tag = re.compile(rf"<(/?)((?:[a-zA-Z_][\w.-]*:)?(?:{'|'.join(map(re.escape, names))}))(?=[\s/>])")
    root = _ROOT.search(text)
    first = tag.search(text)
    declarations = _find_declarations(text[: first.start()] if first else text[:100_000])
    for prefix in set(_PREFIX.findall(text)):
        namespace = _USUAL_NAMESPACES.get(prefix, f"urn:undeclared:{prefix}")
        if len(declarations) < MAX_DECLARATIONS:
            declarations.setdefault(f"xmlns:{prefix}", f'xmlns:{prefix}="{namespace}"')
    opening = f"<items {' '.join(declarations.values())}>"
    is_closed = root is not None and f"</{root[1]}" in text[first.end() if first else 0 :]
    slices, is_open = _cut(text, tag)
    root_prefix = root[1].rpartition(":")[0] if root else ""
    declaration = declarations.get(f"xmlns:{root_prefix}" if root_prefix else "xmlns", "")
    return ItemSlices(
        root=root[1] if root else "",
        namespace=declaration.partition("=")[2].strip(f" {_QUOTES}"),
        opening=opening,
        slices=tuple(slices),
        is_complete=is_closed and not is_open,
    )


def balance(text: str) -> tuple[str, int]:
    """Return a piece of a repaired text in which every element is closed, where its parent is at the latest.

    End tags of nothing are dropped, and so are attributes without a value or of a name that was there. The
    number counts the tags that were added and dropped.
    """
    repaired = 0
    ends = Counter(match[2] for match in _TAG.finditer(text) if match[1])  # that are still to come
    pieces: list[str] = []
    stack: list[str] = []
    is_open: Counter[str] = Counter()
    position = 0

    def close(name: str) -> int:
        """Close the innermost element of this name; return how many others were open within, -1 for none."""
        if not is_open[name]:
            return -1
        others = -1
        top = ""
        while top != name:
            top = stack.pop()
            is_open[top] -= 1
            pieces.append(f"</{top}>")
            others += 1
        return others

    for match in _TAG.finditer(text):
        pieces.append(text[position : match.start()])
        position = match.end()
        is_end, name, attributes, mark = match.groups()
        if not mark:
            pieces.append(f"&lt;{match[0][1:]}")
        elif is_end:
            ends[name] -= 1
            repaired += abs(close(name))
        else:
            while stack and ends[stack[-1]] <= 0:
                close(stack[-1])
                repaired += 1
            is_empty = attributes.endswith("/")
            pieces.append(f"<{name}{_rewrite_attributes(attributes)}{'/' if is_empty else ''}>")
            if not is_empty:
                stack.append(name)
                is_open[name] += 1
    pieces.append(text[position:])
    pieces += [f"</{name}>" for name in reversed(stack)]
    return "".join(pieces), repaired + len(stack)


def _rewrite_attributes(text: str) -> str:
    values = {
        match[1]: html.unescape(match[2].strip(_QUOTES)) for match in _ATTRIBUTE.finditer(text.rstrip("/"))
    }
    return "".join(f' {name}="{html.escape(value)}"' for name, value in values.items())


def _cut(text: str, tag: re.Pattern[str]) -> tuple[list[str], bool]:
    """Return the text of every item, and whether the last one has no end."""
    slices: list[str] = []
    start, name = -1, ""
    for match in tag.finditer(text):
        end = text.find(">", match.end()) + 1
        if match[1]:
            if start >= 0 and end:
                slices.append(text[start:end])
            start = -1
            continue
        if start >= 0:
            slices.append(f"{text[start : match.start()]}</{name}>")
        is_empty = end > 0 and text[end - 2] == "/"
        if is_empty:
            slices.append(text[match.start() : end])
        start, name = -1 if is_empty else match.start(), match[2]
    return slices, start >= 0


def _find_declarations(header: str) -> dict[str, str]:
    """Return the namespace declarations and the base address, each as it is written, by name."""
    found: dict[str, str] = {}
    for number, match in enumerate(_DECLARATION.finditer(header)):
        if number < MAX_DECLARATIONS:
            found.setdefault(match[1].partition("=")[0].strip(), match[1])
    return found


def _iter_unwrapped(text: str, counts: Counter[str]) -> Iterator[str]:
    """Yield the text without comments and processing instructions, and with CDATA as escaped text.

    A section that never ends, or in which the next one of its kind begins, loses its mark only.
    """
    ends = dict.fromkeys(_SECTIONS, -1)  # the next end of each kind, -1 if not searched yet: searched once
    position = 0
    while match := _SECTION.search(text, position):
        yield text[position : match.start()]
        kind, position = match[0], match.end()
        if ends[kind] < position:
            found = text.find(_SECTIONS[kind], position)
            ends[kind] = found if found >= 0 else len(text)
        end = ends[kind]
        if end == len(text) or text.find(kind, position, end) >= 0:
            counts["section without an end"] += 1
            continue
        if kind == "<![CDATA[":
            yield html.escape(text[position:end], quote=False)
        position = end + len(_SECTIONS[kind])
    yield text[position:]


def _repair_ampersand(match: re.Match[str], counts: Counter[str]) -> str:
    entity = match[0]
    if entity in _XML_ENTITIES:
        return entity
    if entity.startswith("&#"):
        character = html.unescape(entity)  # as browsers: 146 is windows-1252's quote, 8 is nothing
        if _FORBIDDEN.search(character) or character in {"", "\ufffd"}:
            counts["forbidden character"] += 1
            return ""
        return html.escape(character)
    name = entity[1:].rstrip(";")
    if name and (character := html5.get(f"{name};", "")):
        return html.escape(character)
    counts["bare ampersand"] += 1
    return f"&amp;{entity[1:]}"


def _escape_unclosed(text: str) -> tuple[str, int]:
    """Escape start tags whose name is closed nowhere (<br>, or a<b): they are text or HTML, not XML.

    In a text that is cut off, tags are open that would have been closed: there nothing is escaped.
    """
    root = _ROOT.search(text)
    if root is None or not re.search(rf"</{re.escape(root[1])}\s*>\s*$", text[-1000:]):
        return text, 0
    closed = {match[2] for match in _TAG.finditer(text) if match[1]}
    count = 0

    def escape(match: re.Match[str]) -> str:
        nonlocal count
        is_element = match[4] and (match[1] or match[3].endswith("/") or match[2] in closed)
        if is_element:
            return match[0]
        count += 1
        return f"&lt;{match[0][1:]}"

    return _TAG.sub(escape, text), count
