"""The inputs shared by all editions of one day: candidates, their heat, notes and the ranker."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, cached_property, partial
from threading import Lock

from digest.db import Database
from digest.db.papers.repository import KnownPapers
from digest.db.sources import SourceState
from digest.models import Candidates, Edition, Health, Heat, Sent, Subscriber
from digest.models.arxiv_calendar import get_arxiv_day, get_silence_reason
from digest.models.schedule import get_local_day
from digest.models.subscribers import NO_INTERESTS
from digest.pipeline.alerts import UNUSABLE
from digest.pipeline.fitted_models import load_baselines, load_calibration
from digest.pipeline.profile_cache import complete_profile_vectors, load_profile_vectors
from digest.ranking.candidate_arrays import CandidateArrays
from digest.ranking.embeddings import EmbeddingModel
from digest.ranking.neighbours import Neighbours
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.ranker import Ranker, get_ranked_content
from digest.ranking.score import Calibration
from digest.ranking.selection import ReaderState, Selection, Selections
from digest.trending.breakout import MIN_RESEND_INTERVAL
from digest.trending.heat import compute_heat
from digest.trending.prior import TextWeights

ONE_DAY = timedelta(days=1)  # local days begin up to 14 hours before UTC's
CANDIDATE_WINDOW = timedelta(days=7)  # how long after it was first seen a paper may be sent
MAX_BACKGROUND_PAPERS = 4000  # earlier papers, from which word frequencies are measured
VOTE_SOURCE = "huggingface"  # the source whose votes order the trending section
SOURCES_WITHOUT_PAPERS = frozenset({"huggingface-repos", "semanticscholar"})  # readers do not miss them
NEIGHBOURS_KEY = "neighbours"  # meta key: the nearest others of each paper, where there are many papers


class DayCache:
    """Keeps what runs and pages share: the papers that did not change, and the ranker until a text does."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._papers: KnownPapers = {}
        self._text_weights = TextWeights()
        self._key: Hashable = None
        self._ranker: Ranker | None = None

    def load_candidates(self, store: Database, now: datetime) -> Candidates:
        """Return the papers that may be sent now, with their heat."""
        with store.begin(write=False) as tx:
            known = self._papers = tx.papers.read_candidates(now - CANDIDATE_WINDOW, now, self._papers)
            by_number = tx.signals.get_by_numbers(known, until=now)
        papers = tuple(paper for _, paper in known.values())
        signals = {known[number][1].id: of_paper for number, of_paper in by_number.items()}
        heat = compute_heat(
            papers,
            signals,
            now,
            baselines=load_baselines(store, now),
            text_weights=self._text_weights,
        )
        return Candidates(papers, heat)

    def get_ranker(self, key: Hashable, build: Callable[[], Ranker]) -> Ranker:
        """Return the ranker that was built for an equal *key*, else a new one."""
        with self._lock:
            if self._ranker is None or self._key != key:
                self._ranker = None  # first, as both may be large
                self._ranker, self._key = build(), key
            return self._ranker


@dataclass(frozen=True)
class DayContext:
    """What all editions of one run share. The ranker is built for the first reader who needs it."""

    store: Database
    now: datetime
    candidates: Candidates
    notes: tuple[str, ...] = ()  # names of the notes that every reader sees on this day
    embedding_model: EmbeddingModel | None = None
    day_cache: DayCache = field(default_factory=DayCache)

    @cached_property
    def ranker(self) -> Ranker:
        """The ranker of the day's candidates, for any number of readers."""
        calibration = load_calibration(self.store)
        key = tuple(map(get_ranked_content, self.candidates.papers)), self.model_name, calibration
        return self.day_cache.get_ranker(key, partial(self._build_ranker, calibration))

    def _build_ranker(self, calibration: Calibration) -> Ranker:
        with self.store.begin(write=False) as tx:
            background = tx.papers.list_background(MAX_BACKGROUND_PAPERS, before=self.now - CANDIDATE_WINDOW)
            stored = tx.meta.read(NEIGHBOURS_KEY)
        return Ranker(
            self.candidates.papers,
            background,
            self.embedding_model,
            calibration=calibration,
            known=Neighbours.from_text(stored),
        )

    def _save_neighbours(self) -> None:
        """Store which papers are near to each other, if it was not stored."""
        if self.ranker.neighbours is None:
            return
        text = self.ranker.neighbours.to_text()
        with self.store.begin(write=False) as tx:
            is_stored = tx.meta.read(NEIGHBOURS_KEY) == text
        if not is_stored:
            with self.store.begin() as tx:
                tx.meta.write(NEIGHBOURS_KEY, text)

    @cached_property
    def sent_since(self) -> date:
        """The first local day on which a candidate can have been sent, or a paper that was sent again counts.

        Nothing older decides what may be sent, so nothing older is read: a year of sent papers costs nothing.
        """
        return min(self.first_seen.date(), self.now.date() - MIN_RESEND_INTERVAL) - ONE_DAY

    @cached_property
    def first_seen(self) -> datetime:
        """When the oldest candidate was first seen."""
        return min((paper.first_seen or self.now for paper in self.candidates.papers), default=self.now)

    @property
    def model_name(self) -> str:
        """The name of the embedding model; empty if there is none."""
        return self.embedding_model.name if self.embedding_model else ""

    @cached_property
    def candidate_arrays(self) -> CandidateArrays:
        """The candidates as arrays, for the selection."""
        return CandidateArrays(self.candidates)

    @cached_property
    def list_sent(self) -> Callable[[date], list[Sent]]:
        """Return what is remembered of each candidate if sent on a local day, for all its readers."""
        heats = self.candidate_arrays.heats  # not of self: a cycle would keep the papers of the day
        return cache(lambda day: [to_sent(day, heat) for heat in heats])

    def _find_unwanted(self, readers: Sequence[Subscriber]) -> Mapping[int, list[str]]:
        """Return the candidates each subscriber id voted "less" on, whatever the reason.

        They count as sent: they are not sent, and not once more when they break out.
        """
        with self.store.begin(write=False) as tx:
            votes = tx.votes.list_unwanted([reader.id for reader in readers], since=self.first_seen)
            unwanted: defaultdict[int, list[str]] = defaultdict(list)
            for reader, paper_id in votes:
                unwanted[reader].append(self._ids_by_alias.get(paper_id, paper_id))
        return unwanted

    @cached_property
    def _ids_by_alias(self) -> Mapping[str, str]:
        return {alias: paper.id for paper in self.candidates.papers for alias in paper.aliases}

    def choose_editions(
        self,
        readers: Sequence[tuple[Subscriber, datetime]],
        sent: Mapping[int, Mapping[str, Sent]],
        *,
        save_vectors: bool = False,
    ) -> Iterator["ChosenEditions"]:
        """Yield the editions of readers at their slots, in chunks.

        *readers* are pairs of subscriber and slot; *sent* are the papers each subscriber id was sent before.
        With *save_vectors*, profiles that had to be encoded are saved for the next time.
        """
        subscribers = [subscriber for subscriber, _ in readers]
        model = self.model_name
        vectors: Sequence[ProfileVectors | None]
        vectors = load_profile_vectors(self.store, subscribers, model=model)
        if save_vectors:
            self._save_neighbours()
            vectors = complete_profile_vectors(self.store, subscribers, vectors, self.ranker, model=model)
        unwanted = self._find_unwanted(subscribers)
        done = 0
        for rankings in self.ranker.rank_chunks([reader.profile for reader in subscribers], vectors):
            chunk = readers[done : done + len(rankings)]
            done += len(chunk)
            states = [
                ReaderState(
                    reader,
                    {**sent.get(reader.id, {}), **dict.fromkeys(unwanted.get(reader.id, ()), Sent(day=day))},
                    reader.cursor,
                    day,
                )
                for reader, slot in chunk
                for day in (get_local_day(reader.schedule, slot),)
            ]
            selections = Selections(self.candidate_arrays, rankings, states)
            without_voters = selections.has_paper(~self.candidate_arrays.has_voters).tolist()
            notes = [
                (
                    *get_reader_notes(reader),
                    *selections.get_notes(row),
                    *(("no-voters",) if without_voters[row] else ()),  # of a field in which nobody votes
                    *self.notes,
                )
                for row, (reader, _) in enumerate(chunk)
            ]
            yield ChosenEditions(chunk, states, selections, notes)

    def build_editions(
        self, readers: Sequence[tuple[Subscriber, datetime]], sent: Mapping[int, Mapping[str, Sent]]
    ) -> Iterator[tuple[Edition, Selection]]:
        """Yield the edition of each reader, with the selection (what was excluded, and why)."""
        for chosen in self.choose_editions(readers, sent):
            for row, selection in enumerate(chosen.selections):
                yield chosen.build_edition(row), selection


@dataclass(frozen=True, slots=True)
class ChosenEditions:
    """The editions of a chunk of readers: each list has an entry for each reader."""

    readers: Sequence[tuple[Subscriber, datetime]]  # with their slots
    states: Sequence[ReaderState]
    selections: Selections
    notes: Sequence[tuple[str, ...]]

    def build_edition(self, row: int) -> Edition:
        """Return the edition of one reader as an object."""
        reader, slot = self.readers[row]
        picks = tuple(self.selections.get_picks(row))
        day = self.states[row].day
        return Edition(day=day, slot=slot, subscriber=reader, picks=picks, notes=self.notes[row])


def load_day(
    store: Database,
    now: datetime,
    *,
    embedding_model: EmbeddingModel | None = None,
    day_cache: DayCache | None = None,
) -> DayContext:
    """Return the context of the day as it stands at *now*; *day_cache* has what did not change since."""
    with store.begin(write=False) as tx:
        notes = get_day_notes(tx.sources.list_latest(), now)
    cache = day_cache or DayCache()
    return DayContext(store, now, cache.load_candidates(store, now), notes, embedding_model, cache)


def to_sent(day: date, heat: Heat) -> Sent:
    """Return what is remembered of a paper that is sent on a local day."""
    resent = heat.broke_out_from is not None
    return Sent(day=day, expected=heat.expected, votes=heat.votes, resent=resent)


def get_reader_notes(reader: Subscriber) -> Iterator[str]:
    """Yield the names of the notes for this reader alone: a first edition, or an empty profile."""
    if reader.cursor is None:
        yield "first"
    if reader.profile == NO_INTERESTS:
        yield "no-interests"


def get_day_notes(sources: Iterable[SourceState], now: datetime) -> tuple[str, ...]:
    """Return the names of the notes on this day: arXiv announces nothing, or a source brought nothing."""
    is_missing: dict[str, bool] = {}  # a source is missing if all its scopes are
    for state in sources:
        brought_nothing = state.source == "arxiv" and state.health is Health.STALE  # though it announces
        is_lost = state.health in UNUSABLE or brought_nothing
        is_missing[state.source] = is_missing.get(state.source, True) and is_lost
    missing = [name for name, is_so in is_missing.items() if is_so and name not in SOURCES_WITHOUT_PAPERS]
    silent = ["arxiv-silent"] if get_silence_reason(get_arxiv_day(now)) else []
    if silent:  # arXiv has no papers today that could follow later
        missing = [name for name in missing if name != "arxiv"]
    votes = ["votes-missing"] if VOTE_SOURCE in missing else []
    return (*silent, *votes, *(f"source-missing:{name}" for name in missing if name != VOTE_SOURCE))
