"""Parsing of untrusted XML, element by element: no entities, no DTD, no network."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Generic, TypeVar

from lxml import etree

from digest.models.errors import SourceChanged

T = TypeVar("T")
ATOM = "{http://www.w3.org/2005/Atom}"


class UnreadableItem(ValueError):
    """An item lacks a field that every item must have."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The items of a document; `skipped` counts those that could not be read."""

    items: tuple[T, ...]
    root: str
    skipped: int = 0
    broken: str = ""  # where the document ends too early; empty for a complete one


def parse_elements(body: bytes, tags: Sequence[str], make: Callable[[etree._Element], T | None]) -> Parsed[T]:
    """Return what *make* returns for every element with one of *tags*.

    *make* raises UnreadableItem to skip and count an element, and returns None to leave it out. Of a
    truncated document, every complete element is parsed.

    Raises:
        SourceChanged: the body declares entities, or no element of it could be read.
    """
    if b"<!ENTITY" in body:
        raise SourceChanged("the answer declares XML entities; it was not read")
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        return _parse_truncated(body, tags, make, _describe(error))
    items, skipped = _make_items(root.iter(*tags), make)
    return Parsed(tuple(items), str(root.tag), skipped)


def _parse_truncated(
    body: bytes, tags: Sequence[str], make: Callable[[etree._Element], T | None], broken: str
) -> Parsed[T]:
    complete: list[etree._Element] = []
    with suppress(etree.XMLSyntaxError):
        events = etree.iterparse(
            BytesIO(body), tag=tuple(tags), resolve_entities=False, no_network=True, load_dtd=False
        )
        complete += (element for _, element in events)
    items, skipped = _make_items(complete, make)
    if not items:
        raise SourceChanged(f"the answer is not the XML we know ({broken})")
    return Parsed(tuple(items), "", skipped, broken)


def _make_items(
    elements: Iterable[etree._Element], make: Callable[[etree._Element], T | None]
) -> tuple[list[T], int]:
    items: list[T] = []
    skipped = 0
    for element in elements:
        try:
            item = make(element)
        except UnreadableItem:
            skipped += 1
        else:
            if item is not None:
                items.append(item)
    return items, skipped


def parse_document(body: bytes) -> etree._Element:
    """Return the root of a small document.

    Raises:
        SourceChanged: the body is not XML.
    """
    try:
        return etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise SourceChanged(f"the answer is not the XML we know ({_describe(error)})") from error


def _describe(error: etree.XMLSyntaxError) -> str:
    return " ".join(str(error).split())  # libxml2 ends some of its messages with a line break


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def text_of(element: etree._Element | None) -> str:
    """Return all text within an element, also that of its children (<sub>, <i>)."""
    if element is None:
        return ""
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(map(str, element.itertext())).strip()


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace, or without a prefix that is not declared."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]
