"""Ranking quality: a day's new papers by the learnt and the typed profile, before any feedback on them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import log2

import numpy as np

from bench.simulation.readers import Reader
from bench.simulation.record import RankingScore
from digest.app.services import Services
from digest.models import Profile, Status
from digest.pipeline.day import load_day
from digest.ranking.ranker import Ranker, Ranking

NEW_WITHIN = timedelta(hours=24)
DEPTH = 10


def score_rankings(
    services: Services,
    readers: Sequence[Reader],
    public_ids: Mapping[int, str],
    rated: Mapping[int, Collection[str]],
    *,
    now: datetime,
) -> list[RankingScore]:
    """Return nDCG@10 of the new papers by learnt and typed profile, for readers who like any of them."""
    with services.store.begin(write=False) as tx:
        subscribers_by_id = tx.subscribers.get_by_public_ids(list(public_ids.values()))
    confirmed = [
        reader
        for reader in readers
        if subscribers_by_id[public_ids[reader.number]].status is Status.CONFIRMED
    ]
    ranker = load_day(services.store, now).ranker
    new = [
        index
        for index, paper in enumerate(ranker.papers)
        if paper.first_seen and paper.first_seen > now - NEW_WITHIN
    ]
    numbers = [paper.id.removeprefix("arxiv:") for paper in ranker.papers]
    profiles = [subscribers_by_id[public_ids[reader.number]].profile for reader in confirmed]
    results = []
    for reader, by_learnt, by_typed in zip(
        confirmed, _rank(ranker, profiles), _rank(ranker, map(strip_learnt, profiles)), strict=True
    ):
        indexes = [index for index in new if numbers[index] not in rated.get(reader.number, ())]
        is_liked = np.array([numbers[index] in reader.likes for index in indexes])
        if is_liked.any():
            learnt, typed = (ndcg(ranking.affinity[indexes], is_liked) for ranking in (by_learnt, by_typed))
            results.append(RankingScore(reader=reader.number, day=now.date(), learnt=learnt, typed=typed))
    return results


def strip_learnt(profile: Profile) -> Profile:
    """Return the profile without anything learnt."""
    return replace(profile, learnt=(), liked=(), disliked=())


def ndcg(
    affinity: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
    is_liked: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
) -> float:
    """Return nDCG@10 with binary gains; ties count the average of their places."""
    discounts = np.array([1 / log2(index + 2) if index < DEPTH else 0.0 for index in range(len(is_liked))])
    _, group, size = np.unique(-affinity, return_inverse=True, return_counts=True)
    share = np.bincount(np.repeat(np.arange(len(size)), size), weights=discounts)[group] / size[group]
    ideal = float(discounts[: int(is_liked.sum())].sum())
    return float((share * is_liked).sum()) / ideal


def _rank(ranker: Ranker, profiles: "Sequence[Profile] | map[Profile]") -> list[Ranking]:
    return ranker.rank(list(profiles))
