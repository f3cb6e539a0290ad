"""What is a search about, beyond its words? The vectors of the newest papers are held in memory and compared.

They are those of the ranking, read again when new ones were made. Without a model nothing is loaded or read;
with one it is by the first search, in that request's own thread. Older papers that hold the words get their
vectors while the reader waits, where a table makes them: a fifth of a millisecond each.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from digest.db import Database
from digest.db.embeddings import KeptModel
from digest.db.papers.full_text import Question
from digest.models import Paper
from digest.models.errors import ConfigError
from digest.models.papers import Match
from digest.pipeline.embed import MADE_AT, SEARCHED, Load, maker_of
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedder, Encode, unpacked
from digest.ranking.search_order import both_ways
from digest.ranking.semantic_search import EmbeddingIndex
from digest.web.trending_lists import Cache

log = logging.getLogger(__name__)

ASKED = 50  # matches without a vector whose meaning is made while the reader waits
BEGINNING = 300  # characters of their abstracts, beside the title
CONSIDERED = 1000  # of the nearest papers, to find those that fit the filters
FRESH = timedelta(minutes=1)  # so often it is asked whether there are new vectors


@dataclass(frozen=True, slots=True)
class Sense:
    """A model that turns questions into vectors, and the papers it has read."""

    made_at: tuple[str, str]
    encode: Encode
    is_quick: bool
    around: EmbeddingIndex


class Meaning:
    """What finds papers by their meaning as well, if anything does."""

    def __init__(self, store: Database, embedding: Callable[[], Embedder | None], *, load: Load) -> None:
        self._store, self._embedding, self._load = store, embedding, load
        self._senses: Cache[Sense | None] = Cache()
        self._sense: Sense | None = None

    def added(
        self, matches: Sequence[Match], text: str, question: Question, now: datetime, *, most: int
    ) -> Sequence[Match]:
        """The matches with what they mean weighed in, and at most so many papers without the words."""
        sense = self._senses.value("", now, FRESH, self._read)
        if sense is None or not text:
            return matches
        asked = sense.around.seen_from_here(sense.encode([text]))[0]
        cosines = sense.around.nearness(asked)
        near = dict(sense.around.near(cosines, most=CONSIDERED)) if most else {}
        fitting: Sequence[Paper] = ()
        if near:
            with self._store.begin(write=False) as tx:
                fitting = tx.papers.fitting(list(near), question, limit=most)
        places = sense.around.places
        known = {
            each.paper.id: float(cosines[places[each.paper.id]])
            for each in matches
            if each.paper.id in places
        }
        return both_ways(matches, near | known | _made(sense, asked, matches), fitting)

    def _read(self) -> Sense | None:
        """The sense of these days; the one before while nothing new was made."""
        try:
            model = self._embedding()
        except ConfigError as error:
            log.warning("search goes by words alone", extra={"reason": str(error)})
            return None
        if model is None:
            return None
        with self._store.begin(write=False) as tx:
            kept, made_at = tx.vectors.serving(), tx.meta.read(MADE_AT)
        if kept is None:
            return None
        if self._sense is None or self._sense.made_at != (kept.name, made_at):
            self._sense = self._anew(kept, model, made_at)
        return self._sense

    def _anew(self, kept: KeptModel, model: Embedder, made_at: str) -> Sense | None:
        maker, before = maker_of(kept, model, load=self._load), self._sense
        around = self._around(kept) if maker else None
        if maker is None or around is None:
            return None
        is_known = before is not None and before.made_at[0] == kept.name
        encode = before.encode if before and is_known else maker.encoder(kept.fit)
        return Sense((kept.name, made_at), encode, maker.setting == "static", around)

    def _around(self, kept: KeptModel) -> EmbeddingIndex | None:
        """The newest papers with a vector; None while there is none."""
        ids: list[str] = []
        rows: Floats | None = None
        with self._store.begin(write=False) as tx:
            for known, stored in tx.vectors.of_newest(kept, most=SEARCHED):
                vector = unpacked(stored)
                if rows is None:  # memory that is not written to is not taken
                    rows = np.empty((SEARCHED, len(vector)), np.float32)
                rows[len(ids)] = vector
                ids.append(known)
        return None if rows is None else EmbeddingIndex.of(ids, rows[: len(ids)])


def _made(sense: Sense, asked: Floats, matches: Sequence[Match]) -> dict[str, float]:
    """How near the best matches are that are too old to have a vector; nothing where that takes long."""
    old = [match.paper for match in matches if match.paper.id not in sense.around.places][:ASKED]
    if not old or not sense.is_quick:
        return {}
    texts = [f"{paper.title}\n{paper.abstract[:BEGINNING]}" for paper in old]
    cosines = sense.around.seen_from_here(sense.encode(texts)) @ asked
    return dict(zip((paper.id for paper in old), cosines.tolist(), strict=True))
