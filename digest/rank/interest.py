"""How near is each paper of the day to each reader? Built once a run, then asked for readers in chunks."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digest.model import Paper, Profile, Reason
from digest.rank.evidence import Evidence
from digest.rank.following import AUTHOR, CATEGORY_ALONE, Following
from digest.rank.interests import Document, Interest, dislikes, interests
from digest.rank.lexical import Floats, Lexicon, Terms, counted
from digest.rank.muting import Said, Truths, readable
from digest.rank.nearness import Nearness
from digest.rank.score import relevance
from digest.rank.splitting import FIRST, lifted, shared_out, split
from digest.rank.standing import among_the_unjudged
from digest.rank.vectors import Embedding, space

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
    interests: tuple[Interest, ...]
    interest: Places  # which of them spoke loudest for each paper
    evidence: Evidence
    profile: Profile

    def reason(self, place: int) -> Reason:
        """Why this paper is near to this reader: evidence, worked out when asked for."""
        loudest = self.interests[int(self.interest[place])] if self.interests else None
        return self.evidence.reason(place, loudest, self.profile)

    def facet(self, place: int) -> str:
        """The name of the interest that spoke loudest, empty for an unnamed one."""
        return self.interests[int(self.interest[place])].name if self.interests else ""


class Ranker:
    """The papers of the day, ready to be compared with any number of readers.

    `background` are papers of earlier days: they tell what is rare and what is usual.
    """

    def __init__(
        self,
        papers: Sequence[Paper],
        background: Sequence[Paper] = (),
        vectors: Embedding | None = None,
        *,
        splits_seeds: bool = True,
        reads: Callable[[str], Terms] = counted,
    ) -> None:
        self.papers = tuple(papers)
        self._texts = [_text(paper) for paper in papers]
        earlier = [_text(paper) for paper in background]
        self._lexicon = Lexicon(list(map(reads, self._texts)), list(map(reads, earlier)))
        self._space = space(vectors, self._texts, earlier) if vectors and len(papers) > 1 else None
        self._evidence = Evidence(self.papers, self._lexicon)
        self._splits_seeds = splits_seeds
        self._following = Following(self.papers)
        self._identical = {text: place for place, text in enumerate(self._texts)}
        self._place = {paper.id: place for place, paper in enumerate(papers)}

    def rank(self, profiles: Iterable[Profile]) -> list[Ranking]:
        """What each of these readers makes of the day, in their order."""
        return [ranking for chunk in _chunks(profiles) for ranking in self._rank_chunk(chunk)]

    def _rank_chunk(self, profiles: Sequence[Profile]) -> Iterator[Ranking]:
        near = Nearness(self._lexicon, self._space, _distinct(profiles)) if self.papers else None
        for profile in profiles:
            yield self._ranking(profile, near)

    def _ranking(self, profile: Profile, near: Nearness | None) -> Ranking:
        wanted, unwanted = interests(profile), dislikes(profile)
        views = [self._view(interest, unwanted, near) for interest in wanted] if near else []
        affinity, loudest, parts = _merged(views, len(self.papers))
        affinity = among_the_unjudged(affinity, self._judged(profile))
        affinity = self._followed(affinity, profile, has_words=bool(views) and _wants_words(profile))
        affinity = self._known(affinity, wanted, unwanted)
        return Ranking(
            papers=self.papers,
            affinity=affinity,
            relevance=relevance(affinity),
            muted=self._muted(profile),
            is_personal=bool(wanted or profile.authors or profile.categories or profile.affiliations),
            interests=parts,
            interest=loudest,
            evidence=self._evidence,
            profile=profile,
        )

    def _view(self, interest: Interest, unwanted: tuple[Document, ...], near: Nearness) -> "_View":
        """Nearness to one interest; where its papers fall apart into groups, each group gets its share."""
        whole = near.view(interest, unwanted)
        places = np.zeros(len(self.papers), np.intp)
        if not self._splits_seeds or len(self.papers) <= FIRST:
            return _View(whole, places, (interest,))
        parts = split(interest, near.among(interest.documents), unrelated=self._lexicon.unrelated)
        if not parts:
            return _View(whole, places, (interest,))
        given = shared_out(whole, [near.view(part, unwanted) for part in parts])
        places[list(given)] = np.array(list(given.values()), np.intp) + 1
        return _View(lifted(whole, list(given)), places, (interest, *parts))

    def _judged(self, profile: Profile) -> list[int]:
        """Where those of the day's papers stand that the reader gave us, liked or did not like."""
        seeds = (liking for facet in profile.facets for liking in facet.liked)
        judged = (*profile.liked, *profile.disliked, *seeds)
        places = (
            self._place.get(each.paper_id, self._identical.get(f"{each.title}\n{each.abstract}"))
            for each in judged
        )
        return sorted({place for place in places if place is not None})

    def _followed(self, affinity: Floats, profile: Profile, *, has_words: bool) -> Floats:
        """What following an author, an affiliation or a category adds."""
        if not (profile.authors or profile.affiliations or profile.categories):
            return affinity
        return affinity + self._following.added(profile, has_words=has_words)

    def _known(self, affinity: Floats, wanted: Sequence[Interest], unwanted: Sequence[Document]) -> Floats:
        """A paper the reader gave us is wanted for certain: no paper could stand out further."""
        disliked = {document.text for document in unwanted}
        liked = {document.text for interest in wanted for document in interest.documents if document.title}
        places = [self._identical[text] for text in liked - disliked if text in self._identical]
        affinity[places] = np.maximum(affinity[places], np.sqrt(len(self.papers)) + AUTHOR + CATEGORY_ALONE)
        return affinity

    def _muted(self, profile: Profile) -> Truths:
        if not profile.muted:
            return np.zeros(len(self.papers), np.bool_)
        return self._said.any_of(profile.muted)

    @cached_property
    def _said(self) -> Said:
        return Said([readable(paper) for paper in self.papers])


@dataclass(frozen=True, slots=True)
class _View:
    """Nearness to one interest, and which of its parts speaks for each paper."""

    nearness: Floats
    part: Places
    parts: tuple[Interest, ...]


def _wants_words(profile: Profile) -> bool:
    """Whether anything was asked for in words; "less like this" alone asks for nothing."""
    typed = profile.keywords or profile.text.strip() or profile.facets
    return bool(typed or profile.liked or any(weight > 0 for _, weight in profile.learnt))


def _merged(views: Sequence[_View], size: int) -> tuple[Floats, Places, tuple[Interest, ...]]:
    """The nearest of several interests counts for each paper; and which of all their parts that is."""
    if not views:
        return np.zeros(size, np.float32), np.zeros(size, np.intp), ()
    heights = np.array([view.nearness for view in views])
    loudest = heights.argmax(axis=0)
    starts = np.cumsum([0, *(len(view.parts) for view in views)])
    parts = np.array([view.part + start for view, start in zip(views, starts, strict=False)])
    across = np.arange(size)
    every = tuple(part for view in views for part in view.parts)
    return heights.max(axis=0), parts[loudest, across], every


def _chunks(profiles: Iterable[Profile]) -> Iterator[list[Profile]]:
    """Readers in groups of bounded size, so that memory stays flat whatever their number."""
    chunk: list[Profile] = []
    size = 0
    for profile in profiles:
        chunk.append(profile)
        size += len(profile.liked) + len(profile.disliked) + 3
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    yield chunk


def _distinct(profiles: Sequence[Profile]) -> list[Document]:
    documents: dict[Document, None] = {}
    for profile in profiles:
        documents.update(dict.fromkeys(dislikes(profile)))
        for interest in interests(profile):
            documents.update(dict.fromkeys(interest.documents))
    return list(documents)


def _text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract}"
