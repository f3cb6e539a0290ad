"""What did a reader paste? Ids, links, BibTeX, RIS or a Zotero export become papers they like."""

import re
from collections.abc import Iterable

from digest.compose.clean import clean
from digest.identity import canonical
from digest.model import Liking
from digest.store import Transaction

MOST = 200
LONGEST = 2000
ID = re.compile(
    r"(?:arxiv[.:/]|arxiv\.org/(?:abs|pdf|html)/|huggingface\.co/papers/|(?<![\w./]))(\d{4}\.\d{4,5})(?:v\d+)?"
    r"|\b(?:[a-z-]+(?:\.[A-Z]{2})?/\d{7})\b|\b10\.\d{4,9}/[^\s\"'<>{},;]+",
    re.IGNORECASE,
)
BIBTEX = re.compile(r"^\s*title\s*=\s*[{\"](.+?)[}\"]\s*,?\s*$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
RIS = re.compile(r"^(?:TI|T1)\s+-\s+(.+)$", re.MULTILINE)


def understood(tx: Transaction, text: str) -> tuple[Liking, ...]:
    """The papers meant: those we know with their abstracts, the others by their titles alone."""
    names = list(dict.fromkeys(_names(text)))[:MOST]
    papers = tx.papers.by_ids(names)
    known = [Liking(paper.title, paper.abstract, paper.id) for paper in papers.values()]
    told = {liking.title.casefold() for liking in known}
    by_title = [Liking(title) for title in _titles(text) if title.casefold() not in told]
    return (*known, *by_title)[:MOST]


def _names(text: str) -> Iterable[str]:
    for found in ID.finditer(text):
        try:
            yield canonical(found[0])
        except ValueError:
            continue


def _titles(text: str) -> Iterable[str]:
    for found in (*BIBTEX.finditer(text), *RIS.finditer(text)):
        title = clean(found[1].replace("{", "").replace("}", ""))[:LONGEST]
        if title:
            yield title
