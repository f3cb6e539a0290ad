"""What publishers write around titles and abstracts in their feeds, and what is left without it."""

import re

# [ASAP], [Articles], [World Report]; not [NiFe], and not [Retracted], which says something of the paper.
_SECTION_LABEL = re.compile(
    r"^\s*\[(?!Retracted|Withdrawn)(?:ASAP|[A-Z][a-z]{3,}(?: [A-Za-z][a-z]+){0,2})\]\s+(?=\S)"
)
_AUTHORS = re.compile(r"^author\(s\): ?(.*)$", re.IGNORECASE | re.MULTILINE)
_NOTES = re.compile(
    r"^(?:"
    r"publication date:.*\nsource:.*|author\(s\):.*"  # Elsevier, American Physical Society
    r"|\[.{3,80}\] published \w{3} \w{3} \d\d?, \d{4}"
    r"|.{1,100}, published online: [\w ,]{6,30}; doi:\S+"  # Nature
    r"|(?:.{1,120}, )?(?:volume (?:\d|ahead-)[\w-]*, .{1,80}|earlyview\.?|ahead of print\.?)"  # Wiley, SAGE
    r"|arxiv:\S+ announce type: [\w-]+"
    r"|the post .{1,500} appeared first on .{1,200}"  # WordPress
    r"|\W*no abstract(?: is)? available\W*"
    r"|(?:abstract|summary)[:.]?"
    r")$",
    re.IGNORECASE | re.MULTILINE,
)
# A tag or a stop ends it: "Abstract interpretation" begins a sentence.
_HEADING = re.compile(
    r"^((?:\s|<[^<>]*>)*+)"
    r"(?:(?i:abstract|summary)\s*(?:[:.]|(?=</(?:jats:)?(?:title|p|bold|b|strong|h\d)\b))|ABSTRACT\s)"
)
_LINK = re.compile(r"(?:^|(?<=[.!?…])|\s*[\[(]|\n)\s*(?:read more|continue reading)\b\W*$", re.IGNORECASE)


def strip_section_label(title: str) -> str:
    """Return a title without the section of the journal in brackets before it."""
    return _SECTION_LABEL.sub("", title)


def strip_heading(markup: str) -> str:
    """Return an abstract, with tags or without, without the word that says it is one."""
    return _HEADING.sub(r"\1", markup)


def strip_publisher_notes(prose: str) -> tuple[str, str]:
    """Return an abstract without the lines beside it and without its heading; and the authors they name.

    *prose* has a line for each paragraph, as `strip_tags` returns it.
    """
    text = "\n".join(filter(None, (" ".join(line.split()) for line in prose.splitlines())))
    named = _AUTHORS.search(text)
    abstract = strip_heading(_NOTES.sub("", text).strip())
    return _LINK.sub("", abstract).strip(), named[1] if named else ""
