"""Do profiles learn? The morning's new papers ordered twice, before their reader has spoken of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import log2

import numpy as np

from bench.simulation.readers import Reader
from bench.simulation.record import Trial
from digest.app.services import Services
from digest.models import Profile, Status
from digest.pipeline.day import morning
from digest.ranking.ranker import Ranker, Ranking

NEWS = timedelta(hours=24)
BEST = 10


def trials(
    services: Services,
    readers: Sequence[Reader],
    pids: Mapping[int, str],
    judged: Mapping[int, Collection[str]],
    *,
    now: datetime,
) -> list[Trial]:
    """nDCG@10 of what is new today, for whoever likes any of it, by the learnt and by the typed profile."""
    with services.store.begin(write=False) as tx:
        found = tx.subscribers.by_pids(list(pids.values()))
    there = [reader for reader in readers if found[pids[reader.number]].status is Status.CONFIRMED]
    ranker = morning(services.store, now).ranker
    new = [at for at, paper in enumerate(ranker.papers) if paper.first_seen and paper.first_seen > now - NEWS]
    numbers = [paper.id.removeprefix("arxiv:") for paper in ranker.papers]
    profiles = [found[pids[reader.number]].profile for reader in there]
    results = []
    for reader, now_, then in zip(
        there, _ranked(ranker, profiles), _ranked(ranker, map(typed, profiles)), strict=True
    ):
        places = [at for at in new if numbers[at] not in judged.get(reader.number, ())]
        wanted = np.array([numbers[at] in reader.likes for at in places])
        if wanted.any():
            scores = (ndcg(ranking.affinity[places], wanted) for ranking in (now_, then))
            learnt, before = scores
            results.append(Trial(reader=reader.number, day=now.date(), learnt=learnt, typed=before))
    return results


def typed(profile: Profile) -> Profile:
    """The profile as it was before anything was learnt."""
    return replace(profile, learnt=(), liked=(), disliked=())


def ndcg(
    affinity: "np.ndarray[tuple[int, ...], np.dtype[np.float32]]",
    wanted: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
) -> float:
    """Binary gains, discounted by log2 of the place, over the ten nearest; ties count their average."""
    discounts = np.array([1 / log2(place + 2) if place < BEST else 0.0 for place in range(len(wanted))])
    _, group, size = np.unique(-affinity, return_inverse=True, return_counts=True)
    share = np.bincount(np.repeat(np.arange(len(size)), size), weights=discounts)[group] / size[group]
    ideal = float(discounts[: int(wanted.sum())].sum())
    return float((share * wanted).sum()) / ideal


def _ranked(ranker: Ranker, profiles: "Sequence[Profile] | map[Profile]") -> list[Ranking]:
    return ranker.rank(list(profiles))
