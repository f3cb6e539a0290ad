"""Detection of withdrawn papers, and of what journals publish beside papers: corrections, lists, covers."""

import re

_PAPER = r"(?:paper|article|submission|manuscript|e-?print|preprint|work|note|version|draft|report|study)"
_GONE = r"(?:withdrawn|retracted|removed\s+by\s+arxiv)\b"
_IS_GONE = (
    rf"{_PAPER}(?:\s+and\s+(?:\w+\s+)?abstract)?\s+"
    r"(?:(?:has|have)(?:\s+\w+)?\s+been|had\s+to\s+be|is(?:\s+being)?|was|be)"
    # The place says that it is not the preprint: "withdrawn from ICLR 2026".
    rf"\s+(?:\w+\s+)?{_GONE}(?!\s+from\s+(?!(?:the\s+)?(?:arxiv|biorxiv|medrxiv|publication)\b))"
)
_BARE = (
    rf"(?:(?:(?:this|the)\s+)?{_PAPER}\s+)?(?:\w+ly\s+)?{_GONE}(?=\s*(?:$|[.:;!)\]])|\s+(?:due|because|since|pending|owing|until"
    r"|by\s+(?:the\s+)?(?:\w+\s+)?(?:authors?|arxiv|submitter|editors?|journal|publisher)"
    r"|for\s+(?:revision|correction|now)|as\s+(?:we|it|i|the|there|some|this))\b)"
)
_BY_AUTHORS = (
    r"(?:the\s+authors?|we|i|(?:arxiv|biorxiv|medrxiv|the\s+editors?))\s+(?:(?:have|has|wish\s+to|decided\s+to)\s+){0,2}"
    rf"(?:withdraw|withdrew|withdrawn|retract|retracted)\s+(?:this|the|their|our|my)\s+{_PAPER}\b"
)
_NOTICE = rf"(?:(?:the\s+)?{_IS_GONE}|{_BARE}|{_BY_AUTHORS})"
# Not "an earlier version of this paper was withdrawn".
_THIS_IS_GONE = re.compile(
    rf"(?<!\bof\s)\b(?:this|our|the\s+(?:current|present))\s+{_IS_GONE}", re.IGNORECASE
)
_STARTS_WITH_NOTICE = re.compile(
    rf"\W*+(?:(?:withdrawal|retraction)\s+(?:statement|notice|note)\W{{1,9}})?{_NOTICE}", re.IGNORECASE
)
_COMMENT = re.compile(
    rf"(?:^\W*+|[.:;,!?(]\s?)(?:{_NOTICE}|withdrawal\s+(?:due|because)\b)"
    rf"|\bwithdrawal\s+of\s+(?:this|my|our)\s+{_PAPER}\b",
    re.IGNORECASE,
)
_GONE_TITLE = re.compile(
    r"^\W*(?:withdrawn|retracted|temporary removal)(?:\s+(?:article|paper))?(?:\s*[:\]]|\W*$)"
    r"|[(\[](?:withdrawn|retracted)(?:\s+(?:article|paper))?[)\]]\W*$",
    re.IGNORECASE,
)
_CORRECTION_TITLE = re.compile(
    r"^\W*(?:"
    r"(?:(?:author|publisher|editorial)\s+)?(?:correction|addendum|retraction|withdrawal)"
    # "Correction to motion artefacts" is a paper; a notice quotes, names authors, or has a colon.
    r"(?:\s+(?:note|notice|statement))?(?:\s*:|\s+(?:to|for|of)\s*(?::|[“\"‘']|.{1,200}(?:et\s+al\b|\(\d{4}\)|\d{4};))|\W*$)"
    r"|(?:corrigend(?:um|a)|errat(?:um|a))\b"
    r"|(?:(?:retraction|withdrawal)\s+(?:note|notice|statement)|notice\s+of\s+(?:retraction|withdrawal))\b"
    r"|(?:editorial\s+)?expression\s+of\s+concern\b"
    r")",
    re.IGNORECASE,
)
# With the number of the issue behind it, or what the picture on a cover shows.
_MATTER_TITLE = re.compile(
    r"\W*+(?:"
    r"(?:(?:international\s+)?editorial\s+(?:advisory\s+)?board|issue\s+(?:publication\s+)?information|masthead"
    r"|(?:table\s+of\s+)?contents(?:\s+list)?|(?:front|back)\s?matter|(?:author|subject)\s+index|in\s+this\s+issue"
    r"|(?:information|instructions)\s+for\s+authors|forthcoming\s+(?:papers|articles)|list\s+of\s+reviewers)"
    r"(?:\W+(?:vol|volume|issue|no|\d).*)?"
    r"|(?:(?:front|back|(?:inside|outside)\s+(?:front|back))\s+cover|cover\s+(?:picture|image|feature|profile))(?:\s*[:(|].*)?"
    r"|[^(]{1,300}\((?:(?-i:[A-Z])[\w.]*\s){1,6}\d{1,2}/(?:19|20)\d\d\)"  # on a cover: (Wool Sci. 7/2026)
    r"|(?:publisher\Ws\s+note|department\s+of\s+error|acknowledge?ments?\s+(?:to|of)\s+(?:the\s+)?reviewers)\b.*"
    r")\W*",
    re.IGNORECASE,
)


def is_withdrawn(title: str, abstract: str, comment: str = "") -> bool:
    """Return True if a paper says that it is withdrawn; not for papers about withdrawing."""
    text = f"{title} {abstract} {comment}".lower()
    if "withdr" not in text and "retract" not in text and "removed by arxiv" not in text:
        return False  # checked for every paper: the fast way out
    if _GONE_TITLE.search(title) or any(map(_THIS_IS_GONE.search, (title, abstract, comment))):
        return True
    return bool(_STARTS_WITH_NOTICE.match(abstract) or _COMMENT.search(comment))


def is_notice(title: str) -> bool:
    """Return True for a correction, a retraction of another paper, a table of contents or a cover."""
    return bool(_CORRECTION_TITLE.match(title) or _MATTER_TITLE.fullmatch(title))
