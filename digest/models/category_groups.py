"""Categories outside arXiv by kind, as the stored papers name them: journals, conferences and subjects."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from digest.models.arxiv_categories import ARXIV_CATEGORIES, normalize_category
from digest.models.journals import JOURNALS, name_journal

MAX_NAMES = 100  # of a kind: the most frequent
MIN_PAPERS = 2  # a name that stands for a single paper is not worth following
_JOURNAL_FIRST = frozenset({"pubmed", "crossref"})  # sources whose papers name their journal first


class CategoryKind(StrEnum):
    """What a name of a category stands for."""

    JOURNAL = "journal"
    VENUE = "venue"
    SUBJECT = "subject"


def group_by_kind(papers: Iterable[tuple[str, Sequence[str]]]) -> dict[CategoryKind, tuple[str, ...]]:
    """Return the most frequent names of each kind in the order of the alphabet.

    *papers* are pairs of a paper's source and its categories.
    """
    counts: dict[CategoryKind, Counter[str]] = {kind: Counter() for kind in CategoryKind}
    for source, categories in papers:
        for number, name in enumerate(categories):
            if name not in ARXIV_CATEGORIES:
                counts[_find_kind(name, source, is_first=number == 0)][name] += 1
    return {
        kind: tuple(
            sorted((name for name, n in names.most_common(MAX_NAMES) if n >= MIN_PAPERS), key=str.casefold)
        )
        for kind, names in counts.items()
    }


def split_category_names(text: str) -> tuple[str, ...]:
    """Return the names in a text, separated by commas or lines; arXiv's also by blanks.

    A journal is given the one name under which its papers are stored.
    """
    names: list[str] = []
    for part in text.replace("\n", ",").split(","):
        words = part.split()
        is_arxiv = all(normalize_category(word) in ARXIV_CATEGORIES or "." in word for word in words)
        names += words if is_arxiv else [_to_stored_name(" ".join(words))]
    return tuple(dict.fromkeys(names))


def _to_stored_name(name: str) -> str:
    journal = name_journal(name)
    return journal if journal in JOURNALS else name


def _find_kind(name: str, source: str, *, is_first: bool) -> CategoryKind:
    if source == "openreview":
        return CategoryKind.VENUE
    if name in JOURNALS or (is_first and source in _JOURNAL_FIRST):
        return CategoryKind.JOURNAL
    return CategoryKind.SUBJECT
