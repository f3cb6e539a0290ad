"""Does a paper say of itself that it was withdrawn?"""

import re

_WITHDRAWN_ANYWHERE = re.compile(
    r"\bthis\s+(?:paper|article|submission|manuscript|preprint|work|note|version)\s+"
    r"(?:has\s+been|have\s+been|had\s+to\s+be|is|was)\s+(?:\w+\s+)?(?:withdrawn|retracted)\b"
    r"|\b(?:withdrawn|retracted)\s+by\s+(?:the\s+)?(?:authors?|arxiv|submitter)\b",
    re.IGNORECASE,
)
_WITHDRAWN_FIRST = re.compile(
    r"^\W*(?:(?:this|the|our)\s+)?(?:paper|article|submission|manuscript|preprint|work|note|version)?\s*"
    r"(?:(?:has\s+been|had\s+to\s+be|is|was)\s+(?:\w+\s+)?)?(?:withdrawn|retracted)\b",
    re.IGNORECASE,
)
_STILL_STANDS = re.compile(r"\b(?:replac|supersed|correct)\w*\s+(?:\w+\s+){0,3}withdrawn", re.IGNORECASE)


def is_withdrawn(title: str, abstract: str, comment: str = "") -> bool:
    """Whether a paper says so in its title, abstract or comment; papers about withdrawing are not meant."""
    said = (
        f"{title} {abstract} {comment}".lower()
    )  # asked of every paper: quick when there is nothing to find
    if "withdrawn" not in said and "retracted" not in said:
        return False
    if re.search(r"\bwithdrawn\b", comment, re.IGNORECASE) and not _STILL_STANDS.search(comment):
        return True
    if re.match(r"\W*withdrawn\b", title, re.IGNORECASE):
        return True
    return bool(_WITHDRAWN_FIRST.search(abstract) or _WITHDRAWN_ANYWHERE.search(abstract))
