"""What is today like? Its candidates, how hot they are, what readers are told of it, and anyone's edition."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from digest.db import Database
from digest.db.sources import SourceState
from digest.models import Candidates, Edition, Health, Profile, Sent, Subscriber
from digest.models.arxiv_calendar import arxiv_day, arxiv_silence
from digest.models.schedule import local_day
from digest.pipeline.fitted_models import calibration_of, climate_of
from digest.pipeline.profile_cache import keep_outlines, outlines_of
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.embeddings import Embedding
from digest.ranking.ranker import Ranker
from digest.ranking.selection import Selection, select
from digest.trending.heat import heat_of

POOL = timedelta(days=7)  # how long a paper may wait for its day
BACKGROUND = 4000  # earlier papers, on which the language of the field is measured
VOTES = "huggingface"  # the source whose votes order the trending section
BAD = frozenset({Health.FAILED, Health.CHANGED})
NOTHING_KNOWN = Profile()


def candidates(store: Database, now: datetime) -> Candidates:
    """What may be sent now, and how hot it is."""
    with store.begin(write=False) as tx:
        papers = tx.papers.pool(now - POOL, now)
        signals = tx.signals.of([paper.id for paper in papers], until=now)
    return Candidates(papers, heat_of(papers, signals, now, climate=climate_of(store, now)))


@dataclass(frozen=True)
class DayContext:
    """What all editions of one run share; the ranker is built for the first reader who needs it."""

    store: Database
    now: datetime
    candidates: Candidates
    notes: tuple[str, ...] = ()  # what every reader is told of this day
    vectors: Embedding | None = None

    @cached_property
    def ranker(self) -> Ranker:
        """The day's papers, ready to be compared with any number of readers."""
        with self.store.begin(write=False) as tx:
            background = tx.papers.background(BACKGROUND, before=self.now - POOL)
        calibration = calibration_of(self.store)
        return Ranker(self.candidates.papers, background, self.vectors, calibration=calibration)

    @property
    def model(self) -> str:
        """What tells the meaning of texts beside their words; empty if nothing does."""
        return self.vectors.name if self.vectors else ""

    @cached_property
    def columns(self) -> CandidateArrays:
        """The candidates as every selection reads them."""
        return CandidateArrays(self.candidates)

    def editions(
        self,
        readers: Sequence[tuple[Subscriber, datetime]],
        sent: Mapping[int, Mapping[str, Sent]],
        *,
        keeps: bool = False,
    ) -> Iterator[tuple[Edition, Selection]]:
        """The edition of each reader at their slot, with what was kept out and why.

        With `keeps`, profiles that had to be turned into numbers are kept so for the next time.
        """
        who = [reader for reader, _ in readers]
        outlines = outlines_of(self.store, who, model=self.model)
        if keeps:
            outlines = [*keep_outlines(self.store, who, outlines, self.ranker, model=self.model)]
        rankings = self.ranker.rank([reader.profile for reader in who], outlines)
        days = [local_day(reader.schedule, slot) for reader, slot in readers]
        chosen = [  # all of them before the first pick is asked for its reason
            select(self.columns, ranking, each, sent=sent.get(each.id, {}), cursor=each.cursor, day=day)
            for each, ranking, day in zip(who, rankings, days, strict=True)
        ]
        for (reader, slot), day, made in zip(readers, days, chosen, strict=True):
            notes = (*notes_for(reader), *made.notes, *self.notes)
            yield Edition(day=day, slot=slot, subscriber=reader, picks=made.picks, notes=notes), made


def morning(store: Database, now: datetime, *, vectors: Embedding | None = None) -> DayContext:
    """The day as it stands at a moment."""
    with store.begin(write=False) as tx:
        notes = notes_on(tx.sources.latest(), now)
    return DayContext(store, now, candidates(store, now), notes, vectors)


def notes_for(reader: Subscriber) -> Iterator[str]:
    """What this reader alone is told: how to tune a first mail, or that we know nothing of their taste."""
    if reader.cursor is None:
        yield "first"
    if reader.profile == NOTHING_KNOWN:
        yield "no-interests"


def notes_on(sources: Iterable[SourceState], now: datetime) -> tuple[str, ...]:
    """Why the day is not like others: arXiv is silent, or a source could not be read."""
    dead: dict[str, bool] = {}
    for state in sources:
        dead[state.source] = dead.get(state.source, True) and state.health in BAD
    missing = [name for name, is_dead in dead.items() if is_dead]
    silent = ["arxiv-silent"] if arxiv_silence(arxiv_day(now)) else []
    votes = ["votes-missing"] if VOTES in missing else []
    return (*silent, *votes, *(f"source-missing:{name}" for name in missing if name != VOTES))
