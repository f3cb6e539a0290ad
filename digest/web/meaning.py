"""What is a search about, beyond its words? The static table's answer, where its extra is installed.

Vectors are made while the reader waits, of the best matches by words only, and of how each paper begins: a
fifth of a millisecond each with the static table. A sentence model would take seconds, so it is not asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.embeddings import installed
from digest.model import Paper
from digest.rank.finding import Match, both_ways
from digest.rank.lexical import Floats
from digest.rank.nearing import centre_of, nearness
from digest.rank.vectors import Encode
from digest.store import Store
from digest.web.board import Cache

FITTED_ON = 1000  # of the newest papers: how usual each word is
ASKED = 50  # matches whose meaning is looked at
BEGINNING = 300  # characters of an abstract, beside the title
FRESH = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Sense:
    """A model that has read the papers of these days."""

    encode: Encode
    centre: Floats


class Meaning:
    """What puts matches in order by meaning as well, if anything does."""

    def __init__(self, store: Store, *, wanted: bool) -> None:
        self._store = store
        self._embedding = installed() if wanted else None
        self._senses: Cache[Sense | None] = Cache()

    def added(self, matches: Sequence[Match], question: str, now: datetime) -> Sequence[Match]:
        """The matches with what they mean weighed in; as they were without a model, or without a question."""
        sense = self._senses.value("", now, FRESH, self._fitted)
        if sense is None or not question or len(matches) < 2:
            return matches
        texts = [_text(match.paper) for match in matches[:ASKED]]
        return both_ways(matches, nearness(sense.encode, sense.centre, question, texts))

    def _fitted(self) -> Sense | None:
        if self._embedding is None:
            return None
        with self._store.begin(write=False) as tx:
            texts = [_text(paper) for paper in tx.papers.background(FITTED_ON)]
        if not texts:
            return None
        encode = self._embedding.fitted(texts)
        return Sense(encode, centre_of(encode, texts))


def _text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract[:BEGINNING]}"
