"""How near is each paper of the day to each reader? Built once a run, then asked for readers in chunks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice, repeat

import numpy as np

from digest.models import Paper, Profile, Reason
from digest.ranking.bm25 import Floats, Lexicon, Terms, counted
from digest.ranking.embeddings import Embedding, space
from digest.ranking.followed import AUTHOR, CATEGORY_ALONE, Following
from digest.ranking.interest_groups import lifted, shared_out
from digest.ranking.interests import Interest, dislikes
from digest.ranking.muting import PhraseMatcher, Truths, readable
from digest.ranking.profile_encoder import outlined
from digest.ranking.profile_vectors import ProfileVectors
from digest.ranking.reasons import Evidence
from digest.ranking.score import SHIPPED, Calibration, relevance
from digest.ranking.shared_terms import IndexedInterest
from digest.ranking.similarity import IndexedProfile, SimilarityMatrix
from digest.ranking.standardize import MOST, among_the_unjudged
from digest.ranking.term_index import Postings

Places = np.ndarray[tuple[int, ...], np.dtype[np.intp]]
CHUNK = 2_048  # documents compared at once: bounds the memory, whatever the number of readers


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """One reader's view of the day: arrays in the order of the ranker's papers."""

    papers: Sequence[Paper]
    affinity: Floats  # standardised over the day: 0 is a usual paper, 3 stands out
    relevance: Floats  # the same as a probability
    muted: Truths
    is_personal: bool  # False: the reader told us nothing, affinity is 0 throughout
    views: tuple[IndexedInterest, ...]
    view: Places  # which of them spoke loudest for each paper
    evidence: Evidence
    near: SimilarityMatrix
    profile: Profile

    def note(self, places: Sequence[int]) -> None:
        """The reasons of these papers will be asked for: found together, they cost little."""
        for place, view in zip(places, self._loudest(places), strict=False):
            self.near.commons.note(place, view)

    def reason(self, place: int, *, held_since: date | None = None) -> Reason:
        """Why this paper is near to this reader: evidence, worked out when asked for."""
        view = next(self._loudest([place]), None)
        return self.evidence.reason(place, view, self.near, self.profile, held_since=held_since)

    def facets(self, places: Sequence[int]) -> list[str]:
        """The name of the interest that spoke loudest for each of these; empty for an unnamed one."""
        return [view.interest.name for view in self._loudest(places)] or [""] * len(places)

    def _loudest(self, places: Sequence[int]) -> Iterator[IndexedInterest]:
        """For each of these papers; nothing at all for a reader without interests."""
        if len(self.views) == 1:
            yield from repeat(self.views[0], len(places))
        elif self.views:
            yield from (self.views[number] for number in self.view[[*places]].tolist())


class Ranker:
    """The papers of the day, ready to be compared with any number of readers.

    `background` are papers of earlier days: they tell what is rare and what is usual.
    """

    def __init__(  # noqa: PLR0913  a day has so many sides, each by its name
        self,
        papers: Sequence[Paper],
        background: Sequence[Paper] = (),
        vectors: Embedding | None = None,
        *,
        splits_seeds: bool = True,
        reads: Callable[[str], Terms] = counted,
        calibration: Calibration = SHIPPED,
    ) -> None:
        self.papers = tuple(papers)
        self._texts = [_text(paper) for paper in papers]
        earlier = [_text(paper) for paper in background]
        self._lexicon = Lexicon(list(map(reads, self._texts)), list(map(reads, earlier)))
        self._space = space(vectors, self._texts, earlier) if vectors and len(papers) > 1 else None
        self._postings = Postings(self._lexicon)
        self._evidence = Evidence(self.papers, self._lexicon)
        self._splits_seeds, self._calibration = splits_seeds, calibration
        self._following = Following(self.papers)
        self._identical: dict[str, list[int]] = {}  # a day may tell a paper twice, under two ids
        for place, text in enumerate(self._texts):
            self._identical.setdefault(text, []).append(place)
        self._place = {paper.id: place for place, paper in enumerate(papers)}

    def rank(
        self, profiles: Sequence[Profile], outlines: Sequence[ProfileVectors | None] | None = None
    ) -> list[Ranking]:
        """What each of these readers makes of the day, in their order.

        `outlines` are the profiles in numbers, as `outlined` made them before; what is missing is made now.
        """
        given = outlines or [None] * len(profiles)
        return [
            ranking for some in _chunks(profiles) for ranking in self._rank_chunk(profiles[some], given[some])
        ]

    def outlined(self, profiles: Sequence[Profile]) -> list[ProfileVectors]:
        """These profiles in numbers: they stay true until the profile, the model or the form changes."""
        return outlined(profiles, self._lexicon, self._space.embed if self._space else None)

    def _rank_chunk(
        self, profiles: Sequence[Profile], given: Sequence[ProfileVectors | None]
    ) -> Iterator[Ranking]:
        missing = [place for place, outline in enumerate(given) if outline is None]
        made = dict(zip(missing, self.outlined([profiles[place] for place in missing]), strict=True))
        whole = [made.get(place) or outline for place, outline in enumerate(given)]
        near = SimilarityMatrix(self._lexicon, self._postings, self._space, [each for each in whole if each])
        sights = [
            near.sight(place, profile, splits=self._splits_seeds) for place, profile in enumerate(profiles)
        ]
        views = [view for sight in sights for view in sight.views]
        heights = iter(near.views(views, [sight.unwanted for sight in sights]) if self.papers else ())
        for profile, sight in zip(profiles, sights, strict=True):
            yield self._ranking(profile, sight, [*islice(heights, len(sight.views))], near)

    def _ranking(
        self, profile: Profile, sight: IndexedProfile, heights: Sequence[Floats], near: SimilarityMatrix
    ) -> Ranking:
        found = self._seen(sight, heights)
        affinity, loudest, parts = _merged(found, len(self.papers))
        affinity = among_the_unjudged(affinity, self._judged(profile))
        affinity = self._followed(affinity, profile, has_words=bool(found) and _wants_words(profile))
        affinity = self._known(affinity, profile, [view.interest for view in sight.wholes])
        return Ranking(
            papers=self.papers,
            affinity=affinity,
            relevance=relevance(affinity, self._calibration),
            muted=self._muted(profile),
            is_personal=bool(sight.wholes or profile.authors or profile.categories or profile.affiliations),
            views=parts,
            view=loudest,
            evidence=self._evidence,
            near=near,
            profile=profile,
        )

    @staticmethod
    def _seen(sight: IndexedProfile, heights: Sequence[Floats]) -> list["_Seen"]:
        """Nearness to each interest; where its papers fall apart into groups, each group gets its share."""
        seen, rest = [], iter(heights[len(sight.wholes) :])
        for whole, parts, height in zip(sight.wholes, sight.parts, heights, strict=False):
            place = np.zeros(len(height), np.intp)
            given = shared_out(height, [*islice(rest, len(parts))]) if parts else {}
            place[list(given)] = np.array(list(given.values()), np.intp) + 1
            seen.append(_Seen(lifted(height, list(given)) if given else height, place, (whole, *parts)))
        return seen

    def _judged(self, profile: Profile) -> list[int]:
        """Where those of the day's papers stand that the reader gave us, liked or did not like."""
        seeds = (liking for facet in profile.facets for liking in facet.liked)
        judged = (*profile.liked, *profile.disliked, *seeds)
        by_id = {self._place[each.paper_id] for each in judged if each.paper_id in self._place}
        by_words = (self._identical.get(f"{each.title}\n{each.abstract}", ()) for each in judged)
        return sorted(by_id.union(*by_words))

    def _followed(self, affinity: Floats, profile: Profile, *, has_words: bool) -> Floats:
        """What following an author, an affiliation or a category adds."""
        if not (profile.authors or profile.affiliations or profile.categories):
            return affinity
        return affinity + self._following.added(profile, has_words=has_words)

    def _known(self, affinity: Floats, profile: Profile, wanted: Sequence[Interest]) -> Floats:
        """A paper the reader gave us is wanted for certain: no paper stands out further."""
        disliked = {document.text for document in dislikes(profile)}
        liked = {document.text for interest in wanted for document in interest.documents if document.title}
        places = [place for text in liked - disliked for place in self._identical.get(text, ())]
        certain = MOST * np.sqrt(len(self.papers)) + AUTHOR + CATEGORY_ALONE
        np.minimum(affinity, certain, out=affinity)
        affinity[places] = certain
        return affinity

    def _muted(self, profile: Profile) -> Truths:
        if not profile.muted:
            return np.zeros(len(self.papers), np.bool_)
        return self._said.any_of(profile.muted)

    @cached_property
    def _said(self) -> PhraseMatcher:
        return PhraseMatcher([readable(paper) for paper in self.papers])


@dataclass(frozen=True, slots=True)
class _Seen:
    """Nearness to one interest, and which of its parts speaks for each paper."""

    nearness: Floats
    part: Places
    parts: tuple[IndexedInterest, ...]


def _wants_words(profile: Profile) -> bool:
    """Whether anything was asked for in words; "less like this" alone asks for nothing."""
    typed = profile.keywords or profile.text.strip() or profile.facets
    return bool(typed or profile.liked or any(weight > 0 for _, weight in profile.learnt))


def _merged(views: Sequence[_Seen], size: int) -> tuple[Floats, Places, tuple[IndexedInterest, ...]]:
    """The nearest of several interests counts for each paper; and which of all their parts that is."""
    if not views:
        return np.zeros(size, np.float32), np.zeros(size, np.intp), ()
    if len(views) == 1:
        return views[0].nearness.copy(), views[0].part, views[0].parts
    heights = np.array([view.nearness for view in views])
    loudest = heights.argmax(axis=0)
    starts = np.cumsum([0, *(len(view.parts) for view in views)])
    parts = np.array([view.part + start for view, start in zip(views, starts, strict=False)])
    across = np.arange(size)
    every = tuple(part for view in views for part in view.parts)
    return heights.max(axis=0), parts[loudest, across], every


def _chunks(profiles: Sequence[Profile]) -> Iterator[slice]:
    """Readers in groups of bounded size, so that memory stays flat whatever their number."""
    start = size = 0
    for end, profile in enumerate(profiles, 1):
        size += len(profile.liked) + len(profile.disliked) + 3
        if size >= CHUNK or end == len(profiles):
            yield slice(start, end)
            start, size = end, 0


def _text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract}"
