"""Lists of feeds as feed readers export them: OPML."""

from lxml import etree

from digest.models.errors import InvalidChange, SourceChanged
from digest.sources.base import to_web_link
from digest.sources.items import UnreadableItem
from digest.sources.xml import parse_elements

MAX_FEEDS = 1_000


def parse_opml(body: bytes) -> tuple[str, ...]:
    """Return the URLs of the feeds in an OPML file, each once, in its order.

    Raises:
        InvalidChange: the file is no OPML, or names no feed.
    """
    try:
        parsed = parse_elements(body, ("outline", "OUTLINE"), _parse_outline)
    except SourceChanged as error:
        raise InvalidChange("This is not an OPML file: export the feeds of your reader as OPML.") from error
    urls = tuple(dict.fromkeys(url for url in parsed.items if url))
    if not urls:
        raise InvalidChange("This file contains no feed: its outlines have no xmlUrl.")
    return urls[:MAX_FEEDS]


def _parse_outline(outline: etree._Element) -> str:
    values = {name.lower(): str(value) for name, value in outline.attrib.items() if isinstance(name, str)}
    if "xmlurl" not in values:
        return ""  # a folder
    url = to_web_link(values["xmlurl"].replace("feed://", "https://", 1))
    if not url:
        raise UnreadableItem("outline")
    return url
