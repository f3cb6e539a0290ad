"""Hugging Face's models, datasets and Spaces that cite a paper, as a source of counts and links.

GET /api/arxiv/ID/repos answers with the lists "models", "datasets" and "spaces". Only papers that people
vote on are asked for, each once a day: those whose votes still come in first, then by votes.
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from digest.models import FetchResult, Health, Signal, SignalKind
from digest.models.errors import SourceChanged, SourceError
from digest.models.papers import REPOSITORY_KINDS, HubRepository
from digest.sources.base import FetchContext, failed_result, to_sentence
from digest.sources.config import SourceConfig
from digest.sources.http.response import BadResponse
from digest.sources.json_body import get_count, get_list, get_text, get_value, load_json

SCOPE = "repos"
MAX_PAPERS = 100  # asked for in one run
ASK_AGAIN_AFTER = timedelta(hours=20)  # so that the hour of the day does not creep
STILL_VOTED = timedelta(days=1)  # since a paper's votes were last read
BEST = 3  # repositories of each kind that are kept, by likes
MAX_UNREADABLE = 5  # answers of another shape, after which no more papers are asked for
ATTENTION = (("huggingface", SignalKind.UPVOTES), ("hackernews", SignalKind.POINTS))
_Found = Mapping[SignalKind, list[HubRepository]]
_NAME = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HuggingFaceRepos:
    """How many repositories cite the papers in `FetchContext.ids_to_enrich`, and the best of them."""

    config: SourceConfig
    name: str = "huggingface-repos"

    async def fetch(self, context: FetchContext) -> AsyncIterator[FetchResult]:
        """Yield one result of all papers that are due; nothing if none is."""
        ids = list_due(context)[:MAX_PAPERS]
        if ids:
            yield await self._fetch_all(context, ids)

    async def _fetch_all(self, context: FetchContext, ids: list[str]) -> FetchResult:
        """Ask for each paper until a request fails; what was read before counts."""
        read: dict[str, _Found] = {}
        unreadable, failure = 0, None
        for paper_id in context.track("Hugging Face repositories", ids):
            try:
                read[paper_id] = await self._fetch_paper(context, paper_id)
            except SourceChanged:
                unreadable += 1
                if unreadable == MAX_UNREADABLE:
                    break
            except SourceError as error:
                failure = error
                break
        if failure and not read:
            return failed_result(self.name, SCOPE, context.now, failure)
        if not read:
            raise SourceChanged("none of its answers has the lists we know")
        notes = [f"{unreadable} of {len(ids)} answers could not be read."] if unreadable else []
        if failure:
            reason = to_sentence(str(failure))
            notes.append(f"{len(read)} of {len(ids)} papers were looked up, then: {reason}")
        return FetchResult(
            source=self.name,
            scope=SCOPE,
            read_at=context.now,
            signals=tuple(_build_signals(self.name, read, context.now)),
            repositories={
                paper_id: tuple(best for kind in REPOSITORY_KINDS for best in found.get(kind, [])[:BEST])
                for paper_id, found in read.items()
            },
            health=Health.TRUNCATED if notes else Health.OK,
            note=" ".join(notes),
        )

    async def _fetch_paper(self, context: FetchContext, paper_id: str) -> _Found:
        url = f"{self.config.huggingface_url}/api/arxiv/{paper_id.removeprefix('arxiv:')}/repos"
        try:
            response = await context.client.get(url, rate_group=self.name)
        except BadResponse as error:
            if error.response.status == HTTPStatus.NOT_FOUND:
                return {}
            raise
        return parse(response.body)


def list_due(context: FetchContext) -> list[str]:
    """Return the arXiv papers to ask for, the most important first."""
    votes: Counter[str] = Counter()
    last_voted: dict[str, datetime] = {}
    for source, kind in ATTENTION:
        for signal in context.find_last_signals(source, kind):
            votes[signal.paper_id] += int(signal.value)
            last_voted[signal.paper_id] = max(
                signal.observed_at, last_voted.get(signal.paper_id, signal.observed_at)
            )
    asked = {
        signal.paper_id
        for signal in context.find_last_signals("huggingface-repos", SignalKind.MODELS)
        if context.now - signal.observed_at < ASK_AGAIN_AFTER
    }
    due = [
        paper_id
        for paper_id in context.ids_to_enrich
        if paper_id.startswith("arxiv:") and votes[paper_id] and paper_id not in asked
    ]
    return sorted(due, key=lambda id_: (context.now - last_voted[id_] > STILL_VOTED, -votes[id_], id_))


def parse(body: bytes) -> _Found:
    """Return the public repositories of each kind, each once, the best-liked first.

    Raises:
        SourceChanged: the body has another shape.
    """
    value = load_json(body).value
    if not any(isinstance(get_value(value, kind), list) for kind in REPOSITORY_KINDS):
        raise SourceChanged("the answer is not the lists of repositories we know")
    return {kind: _parse_list(kind, get_list(value, kind)) for kind in REPOSITORY_KINDS}


def _parse_list(kind: SignalKind, items: list[Any]) -> list[HubRepository]:
    by_name: dict[str, HubRepository] = {}
    for item in items:
        name = get_text(item, "id")
        if _NAME.fullmatch(name) and get_value(item, "private") is not True:
            likes = int(get_count(item, "likes") or 0)
            by_name.setdefault(name.lower(), HubRepository(kind=kind, name=name, likes=likes))
    return sorted(by_name.values(), key=lambda found: (-found.likes, found.name))


def _build_signals(source: str, read: Mapping[str, _Found], now: datetime) -> list[Signal]:
    return [
        Signal(
            paper_id=paper_id,
            kind=kind,
            value=float(len(found.get(kind, ()))),
            observed_at=now,
            source=source,
        )
        for paper_id, found in read.items()
        for kind in REPOSITORY_KINDS
    ]
