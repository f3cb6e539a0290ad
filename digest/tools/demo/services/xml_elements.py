"""Helpers that build the services' XML with lxml, element by element."""

from typing import cast

from lxml import etree


def add_element(parent: etree._Element, tag: str, text: str) -> etree._Element:
    """Append an element with nothing but text to *parent* and return it."""
    element = etree.SubElement(parent, tag)
    element.text = text
    return element


def build_namespaces(default: str, **prefixed: str) -> dict[str, str]:
    """Return an nsmap of the default namespace and of prefixed ones; lxml's types know only the latter."""
    return cast("dict[str, str]", {None: default, **prefixed})


def serialize(root: etree._Element) -> bytes:
    """Return the document as the services send it."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)
