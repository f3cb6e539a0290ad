"""Papers related to one: near in meaning where a model is installed, else by the words of the title."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from digest.db import Database, Transaction
from digest.models import Paper
from digest.ranking.tokenizer import STOPWORDS, get_surface_forms
from digest.web.semantic_index import SemanticIndex
from digest.web.trending_lists import TimedCache

MAX_RELATED = 5
MAX_AGE = timedelta(minutes=30)  # of what was found for a paper
MAX_PHRASES = 8  # of a title that are searched for
MATCHES_PER_PHRASE = 20
MIN_SHARED_WORDS = 2  # of the title, in any part of the other paper
MIN_WORD_CHARS = 5  # of a single word that is searched for


class RelatedPapers:
    """Finds related papers, and remembers them for a while."""

    def __init__(self, store: Database, semantic_index: SemanticIndex) -> None:
        self._store, self._semantic_index = store, semantic_index
        self._cache: TimedCache[tuple[Paper, ...]] = TimedCache()

    def find(self, paper: Paper, now: datetime) -> tuple[Paper, ...]:
        """Return up to `MAX_RELATED` other papers that are not withdrawn, the nearest first."""
        return self._cache.get(paper.id, now, MAX_AGE, lambda: self._find(paper, now))

    def _find(self, paper: Paper, now: datetime) -> tuple[Paper, ...]:
        ids = self._semantic_index.find_similar(paper, now, limit=MAX_RELATED + 1)
        with self._store.begin(write=False) as tx:
            if ids is None:
                found: Sequence[Paper] = _search_words(tx, paper)
            else:
                by_id = tx.papers.get_by_ids(ids)
                found = [by_id[name] for name in ids if name in by_id]
        others = (item for item in found if item.id != paper.id and not item.withdrawn)
        return tuple(islice(others, MAX_RELATED))


def _search_words(tx: Transaction, paper: Paper) -> list[Paper]:
    """Return papers that hold phrases of the title, those with the most of them first."""
    counts: Counter[str] = Counter()
    papers: dict[str, Paper] = {}
    for phrase in choose_phrases(paper.title):
        for match in tx.papers.search(phrase, limit=MATCHES_PER_PHRASE):
            papers[match.id] = match
            counts[match.id] += 1 + phrase.count(" ")
    return [papers[paper_id] for paper_id, count in counts.most_common() if count >= MIN_SHARED_WORDS]


def choose_phrases(title: str) -> list[str]:
    """Return the word pairs of a title, then its longer words."""
    surfaces = [surface.casefold() for surface in get_surface_forms(title).values()]
    pairs = [surface for surface in surfaces if " " in surface]
    words = [word for word in surfaces if " " not in word and len(word) >= MIN_WORD_CHARS]
    return [*dict.fromkeys((*pairs, *(word for word in words if word not in STOPWORDS)))][:MAX_PHRASES]
