"""How is XML from strangers read? Element by element; no entities, no DTD, no network, no surprises."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Generic, TypeVar

from lxml import etree

from digest.models.errors import SourceChanged

T = TypeVar("T")
ATOM = "{http://www.w3.org/2005/Atom}"


class Unreadable(ValueError):
    """One item does not hold what every item must hold."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """What could be read: `skipped` items were not understood, `broken` says where the document broke off."""

    items: tuple[T, ...]
    root: str
    skipped: int = 0
    broken: str = ""


def read_each(body: bytes, tags: Sequence[str], make: Callable[[etree._Element], T | None]) -> Parsed[T]:
    """Turn every element of these tags into a value; of a document that breaks off, every complete one.

    SourceChanged when the body declares entities or is not XML from its very beginning.
    """
    if b"<!ENTITY" in body:
        raise SourceChanged("the answer declares XML entities; it was not read")
    try:
        root = etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        return _salvage(body, tags, make, _told(error))
    items, skipped = _made(root.iter(*tags), make)
    return Parsed(tuple(items), str(root.tag), skipped)


def _salvage(
    body: bytes, tags: Sequence[str], make: Callable[[etree._Element], T | None], broken: str
) -> Parsed[T]:
    """What stands before the place where the document breaks off."""
    complete: list[etree._Element] = []
    with suppress(etree.XMLSyntaxError):
        walk = etree.iterparse(
            BytesIO(body), tag=tuple(tags), resolve_entities=False, no_network=True, load_dtd=False
        )
        complete += (element for _, element in walk)
    items, skipped = _made(complete, make)
    if not items:
        raise SourceChanged(f"the answer is not the XML we know ({broken})")
    return Parsed(tuple(items), "", skipped, broken)


def _made(
    elements: Iterable[etree._Element], make: Callable[[etree._Element], T | None]
) -> tuple[list[T], int]:
    items: list[T] = []
    skipped = 0
    for element in elements:
        try:
            item = make(element)
        except Unreadable:
            skipped += 1
        else:
            if item is not None:
                items.append(item)
    return items, skipped


def tree(body: bytes) -> etree._Element:
    """The whole of a small document; SourceChanged when it is not XML."""
    try:
        return etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise SourceChanged(f"the answer is not the XML we know ({_told(error)})") from error


def _told(error: etree.XMLSyntaxError) -> str:
    return " ".join(str(error).split())  # libxml2 ends some of its words with a line break


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def text_of(element: etree._Element | None) -> str:
    """All text within an element, also that of its children (<sub>, <i>)."""
    if element is None:
        return ""
    if len(element) == 0:
        return (element.text or "").strip()
    return "".join(map(str, element.itertext())).strip()


def local(element: etree._Element) -> str:
    """An element's name without its namespace, or the prefix somebody forgot to declare."""
    return str(element.tag).rpartition("}")[2].rpartition(":")[2]
