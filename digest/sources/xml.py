"""Parsing of untrusted XML, element by element: no entities, no DTD, no network.

The text is parsed as it is; if it is no XML, as it is repaired (xml_repair.py); if that is none either, each
item on its own, leniently. Whatever was repaired is counted.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from html import escape
from typing import Any, Generic, TypeVar, cast

from lxml import etree

from digest.models.errors import SourceChanged
from digest.sources.items import make_items
from digest.sources.text.encoding import decode_text
from digest.sources.xml_repair import balance, cut_items, describe_counts, repair

T = TypeVar("T")
ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The items of a document, and what could not be read of it."""

    items: tuple[T, ...]
    root: str
    skipped: int = 0  # items that lack a field
    unforeseen: int = 0  # items with a value that nobody expected
    broken: str = ""  # where the document ends too early; empty for a complete one
    repaired: str = ""  # what was repaired, in words

    @property
    def repair_note(self) -> str:
        """What was repaired and what was unforeseen as sentences for the operator; usually empty."""
        unforeseen = f"{self.unforeseen} items broke while they were read." if self.unforeseen else ""
        repaired = f"Its XML was repaired: {self.repaired}." if self.repaired else ""
        return f"{unforeseen} {repaired}".strip()


@dataclass(frozen=True, slots=True)
class _Document:
    """Where the elements of a document are found, and its state."""

    trees: tuple[etree._Element, ...]
    root: str
    broken: str = ""
    counts: Counter[str] = field(default_factory=Counter)  # what was repaired


def parse_elements(
    body: bytes, tags: Sequence[str], make: Callable[[etree._Element], T | None], *, base_url: str = ""
) -> Parsed[T]:
    """Return what *make* returns for every element with one of *tags*.

    *make* raises UnreadableItem to skip and count an element, and returns None to leave it out. Of a
    truncated document, every complete element is parsed. An element's `base` is *base_url* or an xml:base.

    Raises:
        SourceChanged: the body declares entities, or no element of it could be read.
    """
    document = _read(body, tags, base_url)
    elements = (element for tree in document.trees for element in tree.iter(*tags))
    items = make_items(elements, make)
    if document.broken and not items.made:
        raise SourceChanged(f"the answer is not the expected XML ({document.broken})")
    return Parsed(
        items.made,
        document.root,
        items.unreadable,
        items.unforeseen,
        document.broken,
        describe_counts(document.counts),
    )


def _read(body: bytes, tags: Sequence[str], base_url: str) -> _Document:
    """Parse strictly, then repaired, then item by item."""
    content, strays = _to_utf8(body)
    counts = Counter({"byte in no known encoding": strays})
    tree, error = _parse_strictly(content, base_url)
    if tree is not None:
        return _Document((tree,), str(tree.tag), counts=counts)
    text, repaired = repair(content.decode())
    counts += repaired
    tree, _ = _parse_strictly(text.encode(), base_url)
    if tree is not None:
        return _Document((tree,), str(tree.tag), counts=counts)
    found = cut_items(text, {_local(tag) for tag in tags})
    balanced = [balance(piece) for piece in found.slices]
    broken_tags = sum(count for _, count in balanced)
    counts["broken tag"] += broken_tags or int(found.is_complete)  # at least the one outside the items
    trees = tuple(_parse_pieces(found.opening, [piece for piece, _ in balanced], base_url))
    name = _local(found.root)
    root = f"{{{found.namespace}}}{name}" if found.namespace else name
    return _Document(trees, root, "" if found.is_complete else error, counts)


def parse_document(body: bytes) -> etree._Element:
    """Return the root of a small document, repaired if need be.

    Raises:
        SourceChanged: the body is not XML.
    """
    content, _ = _to_utf8(body)
    tree, error = _parse_strictly(content, "")
    if tree is None:
        with suppress(etree.XMLSyntaxError):
            tree = etree.fromstring(repair(content.decode())[0].encode(), _parser(recover=True))
    if tree is None:
        raise SourceChanged(f"the answer is not the expected XML ({error})")
    return tree


def _to_utf8(body: bytes) -> tuple[bytes, int]:
    """Return the document in UTF-8, and how many bytes were in no known encoding."""
    if body.isascii() and b"\0" not in body and b"\x1b" not in body:
        return body.strip(), 0
    text, strays = decode_text(body)
    return text.encode("utf-8", "replace").strip(b"\0 \t\r\n"), strays


def _parse_strictly(content: bytes, base_url: str) -> tuple[etree._Element | None, str]:
    """Return the root, or None and why it is no XML.

    Raises:
        SourceChanged: it declares entities.
    """
    try:
        root = etree.fromstring(content, _parser(), base_url=base_url)
    except etree.XMLSyntaxError as error:
        return None, " ".join(str(error).split())  # libxml2 ends some of its messages with a line break
    dtd = root.getroottree().docinfo.internalDTD
    if dtd is not None and cast("Any", dtd).entities():
        raise SourceChanged("the answer declares XML entities; it was not read")
    return root, ""


def _parse_pieces(opening: str, pieces: Sequence[str], base_url: str) -> Iterator[etree._Element]:
    """Yield the pieces as one tree, or if they are none, each as a tree of its own."""
    tree, _ = _parse_strictly(f"{opening}{''.join(pieces)}</items>".encode(), base_url)
    if tree is not None:
        yield tree
        return
    parser = _parser(recover=True)
    for piece in pieces:
        with suppress(etree.XMLSyntaxError):
            tree = etree.fromstring(f"{opening}{piece}</items>".encode(), parser, base_url=base_url)
            if tree is not None:
                yield tree


def _parser(*, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def text_of(element: etree._Element | None) -> str:
    """Return all text within an element, also that of its children (<sub>, <i>)."""
    if element is None:
        return ""
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(map(str, element.itertext())).strip()


def markup_of(element: etree._Element | None) -> str:
    """Return the content of an element for `strip_tags`: as HTML if it has children, else its text."""
    if element is None or len(element) == 0:
        return text_of(element)
    inner = (etree.tostring(child, encoding="unicode") for child in element)
    return "".join([escape(element.text or "", quote=False), *inner]).strip()


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace, or without a prefix that is not declared."""
    return _local(str(element.tag))


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]
