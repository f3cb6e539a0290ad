"""How are the services' XML answers put together? Element by element, never by gluing strings."""

from typing import cast

from lxml import etree


def leaf(parent: etree._Element, tag: str, text: str) -> etree._Element:
    """One more element with nothing but text in it."""
    element = etree.SubElement(parent, tag)
    element.text = text
    return element


def unprefixed(namespace: str, **prefixed: str) -> dict[str, str]:
    """A namespace that needs no prefix, and others that do; lxml's types know only the latter."""
    return cast("dict[str, str]", {None: namespace, **prefixed})


def printed(root: etree._Element) -> bytes:
    """The document, as the services send it."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
