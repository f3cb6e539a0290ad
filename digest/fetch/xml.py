"""How is XML from strangers read? Element by element; no entities, no DTD, no network, no surprises."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Generic, TypeVar

from lxml import etree

from digest.errors import SourceChanged

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
    """Turn every complete element of these tags into a value, also when the document breaks off later.

    SourceChanged when the body declares entities or is not XML from its very beginning.
    """
    if b"<!ENTITY" in body:
        raise SourceChanged("the answer declares XML entities; it was not read")
    items: list[T] = []
    skipped, broken, root = 0, "", ""
    parser = etree.iterparse(
        BytesIO(body),
        tag=tuple(tags),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for _, element in parser:
            try:
                item = make(element)
            except Unreadable:
                skipped += 1
            else:
                if item is not None:
                    items.append(item)
            element.clear()
        root = str(parser.root.tag)
    except etree.XMLSyntaxError as error:
        broken = str(error)
    if broken and not items:
        raise SourceChanged(f"the answer is not the XML we know ({broken})")
    return Parsed(tuple(items), root, skipped, broken)


def tree(body: bytes) -> etree._Element:
    """The whole of a small document; SourceChanged when it is not XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        return etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SourceChanged(f"the answer is not the XML we know ({error})") from error


def text_of(element: etree._Element | None) -> str:
    """All text within an element, also that of its children (<sub>, <i>)."""
    return "" if element is None else "".join(map(str, element.itertext())).strip()
