"""Names of authors for the preferences, completed from the stored papers."""

import re
from collections import Counter
from dataclasses import replace
from unicodedata import combining, normalize

from digest.db import Database
from digest.db.papers.full_text import PaperQuery
from digest.models.text import clean

MAX_PAPERS = 100  # the best matches, whose authors are looked at
MIN_CHARS = 2
_WORD = re.compile(r"[^\W_]+")


def find_authors(store: Database, typed: str, limit: int) -> list[str]:
    """Return authors with a name word that begins like each typed word, those of most papers first."""
    wanted = _fold(typed)
    if sum(map(len, wanted)) < MIN_CHARS:
        return []
    query = replace(PaperQuery.parse(typed, (), None, None), is_prefix=True)
    with store.begin(write=False) as tx:
        papers = [match.paper for match in tx.papers.find_matches(query, limit=MAX_PAPERS)]
    counts = Counter(clean(author) for paper in papers for author in paper.authors)
    found = [name for name in counts if _begins_like(_fold(name), wanted)]
    return sorted(found, key=lambda name: (-counts[name], name))[:limit]


def _begins_like(name: list[str], wanted: list[str]) -> bool:
    return all(any(word.startswith(start) for word in name) for start in wanted)


def _fold(text: str) -> list[str]:
    """Return the words of a text without case and accents."""
    plain = "".join(char for char in normalize("NFKD", text) if not combining(char))
    return [word.casefold() for word in _WORD.findall(plain)]
