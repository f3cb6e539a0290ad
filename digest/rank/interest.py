"""How near is each paper of the day to each reader? Built once a run, then asked for readers in chunks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from digest.model import Because, Paper, Profile, Reason
from digest.rank.interests import Document, Interest, dislikes, interests
from digest.rank.lexical import Floats, Lexicon
from digest.rank.muting import Truths, muted, readable
from digest.rank.score import relevance
from digest.rank.text import surfaces, terms

NEGATIVE = 0.25  # "less like this" weighs a quarter of "more"
NEAREST = 3  # the second channel looks at this many of the nearest documents


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """One reader's view of the day: arrays in the order of the ranker's papers."""

    papers: Sequence[Paper]
    affinity: Floats  # standardised over the day: 0 is a usual paper, 3 stands out
    relevance: Floats  # the same as a probability
    muted: Truths
    is_personal: bool  # False: the reader told us nothing, affinity is 0 throughout
    reason: Callable[[int], Reason]


class Rankings(Sequence[Ranking]):
    """The rankings of some readers, in their order; reasons are worked out only when asked for."""

    def __init__(self, rankings: Sequence[Ranking]) -> None:
        self._rankings = rankings

    def __len__(self) -> int:
        return len(self._rankings)

    def __getitem__(self, index):  # type: ignore[no-untyped-def, override]  # noqa: ANN001, ANN204
        return self._rankings[index]

    def __iter__(self) -> Iterator[Ranking]:
        return iter(self._rankings)


class Ranker:
    """The papers of the day, ready to be compared with any number of readers."""

    def __init__(
        self, papers: Sequence[Paper], background: Sequence[Paper] = (), vectors: object = None
    ) -> None:
        self.papers = tuple(papers)
        self._lexicon = Lexicon([_text(paper) for paper in papers], [_text(paper) for paper in background])
        self._readable: list[str] | None = None

    def rank(self, profiles: Sequence[Profile]) -> Rankings:
        """What each of these readers makes of the day."""
        return Rankings([self._rank(profile) for profile in profiles])

    def _rank(self, profile: Profile) -> Ranking:
        wanted = interests(profile)
        unwanted = dislikes(profile)
        views = [self._view(interest, unwanted) for interest in wanted]
        affinity = np.max(views, axis=0) if views else np.zeros(len(self.papers), np.float32)
        winner = np.argmax(views, axis=0) if views else np.zeros(len(self.papers), int)

        def reason(place: int) -> Reason:
            return self._reason(place, wanted[int(winner[place])] if wanted else None)

        return Ranking(self.papers, affinity, relevance(affinity), self._muted(profile), bool(views), reason)

    def _view(self, interest: Interest, unwanted: tuple[Document, ...]) -> Floats:
        near = self._similar([document.text for document in interest.documents])
        mean = near.mean(axis=1)
        if unwanted:
            mean = mean - NEGATIVE * self._similar([document.text for document in unwanted]).mean(axis=1)
        nearest = -np.sort(-near, axis=1)[:, :NEAREST].mean(axis=1)
        return _standard(_standard(np.sqrt(np.maximum(mean, 0))) + _standard(np.sqrt(nearest)))

    def _similar(self, texts: Sequence[str]) -> Floats:
        return np.asarray((self._lexicon.candidates @ self._lexicon.encode(texts).T).todense(), np.float32)

    def _muted(self, profile: Profile) -> Truths:
        if not profile.muted:
            return np.zeros(len(self.papers), np.bool_)
        if self._readable is None:
            self._readable = [readable(paper) for paper in self.papers]
        return muted(self._readable, profile.muted)

    def _reason(self, place: int, interest: Interest | None) -> Reason:
        if interest is None:
            return Reason(because=Because.NEW)
        paper = self.papers[place]
        shown = surfaces(_text(paper))
        said = set(terms("\n".join(document.text for document in interest.documents)))
        shared = tuple(surface for term, surface in shown.items() if term in said)[:3]
        return Reason(because=Because.TERMS, terms=shared, facet=interest.name)


def _text(paper: Paper) -> str:
    return f"{paper.title}\n{paper.abstract}"


def _standard(values: Floats) -> Floats:
    spread = float(values.std()) if values.size else 0.0
    return np.asarray((values - values.mean()) / (spread or 1.0), np.float32)
