"""Fits the probability that a paper is wanted (`digest.ranking.wanted`) and measures it by cross-validation.

    python -m bench.picks_model ../shared/picks [--sentences] [--nested]

Each morning is predicted by a model fitted to the readers of the two other mornings, so no reader is in both.
The figures are those of `bench.picks`, for every threshold; then come the coefficients fitted to all readers.
With `--nested` features are chosen within these two mornings too, by the loss when each predicts the other.
A reader's topic that explains a paper best counts, so fitting and choosing take turns.
"""

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from bench.picks import Judged, Measures, measure, read_papers, summarize
from digest.app.embedding_models import load_model
from digest.models import Profile
from digest.ranking.array_types import Doubles, Indices
from digest.ranking.embeddings import EmbeddingModel, build_embedding_space
from digest.ranking.field_terms import load_field_terms
from digest.ranking.topic_matching import TopicMatcher
from digest.ranking.topics import find_topics
from digest.ranking.wanted import FEATURE_NAMES, TopicEvidence

CLOSE_WEIGHT = 0.7  # of a paper with grade 1 in the fit: a matter of taste
REGULARIZATION = (
    0.05  # variance of the coefficients before anything is seen, features scaled to unit variance
)
ROUNDS = 8
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)


@dataclass(frozen=True)
class Pairs:
    """Readers and papers of one morning: rows of features by topic, and which rows belong to which pair."""

    features: Doubles
    owner: Indices  # number of the pair of each row
    keys: list[tuple[str, str]]  # reader and paper of each pair
    ruled_out: set[tuple[str, str]]


def collect_pairs(folder: Path, judged: Judged, pool: int, model: EmbeddingModel | None = None) -> Pairs:
    """Compare the readers of a pool with its papers by the product's own code."""
    papers = read_papers(folder / f"pool-{pool}.jsonl")
    texts = [f"{paper.title}\n{paper.abstract}" for paper in papers]
    space = build_embedding_space(model, texts, ()) if model else None
    matcher = TopicMatcher(papers, load_field_terms(), space)
    features, owner, ruled_out = [], [], set()
    keys: list[tuple[str, str]] = []
    for reader in (reader for reader in judged.profiles.values() if reader["pool"] == pool):
        profile = Profile(keywords=tuple(reader.get("keywords", ())), text=reader.get("text", ""))
        evidence = TopicEvidence(matcher, [find_topics(profile)]).get_reader(0)
        if evidence is None:
            sys.exit(f"{reader['id']} asks for nothing in words.")
        for index, paper in enumerate(papers):
            for row in evidence.features[:, :, index]:
                features.append(row)
                owner.append(len(keys))
            keys.append((reader["id"], paper.id))
            if evidence.is_unwanted is not None and evidence.is_unwanted[index]:
                ruled_out.add(keys[-1])
    return Pairs(np.array(features, np.float64), np.array(owner, np.intp), keys, ruled_out)


def fit(features: Doubles, owner: Indices, grades: Indices) -> tuple[Doubles, float]:
    """Return coefficients and intercept; of the rows of each pair the one with the largest logit counts.

    No coefficient is negative: what speaks for a paper never speaks against it.
    """
    scale = features.std(axis=0) + 1e-9
    scaled, is_right = features / scale, np.sign(grades - 0.5)
    weights = np.append(np.ones(features.shape[1]), 0)
    for _ in range(ROUNDS):
        best = scaled[_choose_best(scaled @ weights[:-1] + weights[-1], owner)]
        weights = minimize(
            _compute_loss,
            weights,
            args=(best, is_right, _weigh(grades)),
            jac=True,
            bounds=[(0, None)] * features.shape[1] + [(None, None)],
        ).x
    return weights[:-1] / scale, float(weights[-1])


def fit_pairs(pairs: Sequence[Pairs], judged: Judged) -> tuple[Doubles, float]:
    """Return coefficients and intercept fitted to these mornings."""
    return fit(*_join_pairs(pairs, judged))


def compute_loss(pairs: Sequence[Pairs], judged: Judged, coefficients: Doubles, intercept: float) -> float:
    """Return what the fit makes small: the regularized loss of these coefficients for these mornings."""
    features, owner, grades = _join_pairs(pairs, judged)
    scale = features.std(axis=0) + 1e-9
    best = features[_choose_best(features @ coefficients + intercept, owner)] / scale
    weights = np.append(coefficients * scale, intercept)
    return _compute_loss(weights, best, np.sign(grades - 0.5), _weigh(grades))[0]


def _join_pairs(pairs: Sequence[Pairs], judged: Judged) -> tuple[Doubles, Indices, Indices]:
    """Return the features of these mornings, the pair of each row by number, and the grade of each pair."""
    starts = np.cumsum([0, *(len(own.keys) for own in pairs)])
    owner = np.concatenate([own.owner + start for own, start in zip(pairs, starts, strict=False)])
    grades = np.array([judged.get_grade(*key) for own in pairs for key in own.keys])
    return np.concatenate([own.features for own in pairs]), owner, grades


def _weigh(grades: Indices) -> Doubles:
    return np.where(grades == 1, CLOSE_WEIGHT, 1.0)


def _compute_loss(
    weights: Doubles, features: Doubles, is_right: Doubles, importance: Doubles
) -> tuple[float, Doubles]:
    """Return the regularized loss of a logistic regression, and its gradient."""
    margins = is_right * (features @ weights[:-1] + weights[-1])
    slopes = -importance * is_right / (1 + np.exp(margins))
    penalty = weights[:-1] / REGULARIZATION
    loss = importance @ np.logaddexp(0, -margins) + weights[:-1] @ penalty / 2
    return float(loss), np.append(features.T @ slopes + penalty, slopes.sum())


def _choose_best(logits: Doubles, owner: Indices) -> Indices:
    """Return the row with the largest logit of each pair, pairs in order."""
    order = np.lexsort((-logits, owner))
    first = np.append(True, np.diff(owner[order]) > 0)
    return np.asarray(order[first], np.intp)


def choose_features(pairs: Mapping[int, Pairs], judged: Judged) -> list[int]:
    """Return the features with which mornings predict each other best: all, or some left out one by one."""
    chosen = list(range(len(FEATURE_NAMES)))
    loss = _compute_validation_loss(pairs, judged, chosen)
    while len(chosen) > 1:
        fewer = [[*chosen[:place], *chosen[place + 1 :]] for place in range(len(chosen))]
        losses = [_compute_validation_loss(pairs, judged, features) for features in fewer]
        if min(losses) > loss:
            break
        loss = min(losses)
        chosen = fewer[losses.index(loss)]
    return chosen


def _compute_validation_loss(pairs: Mapping[int, Pairs], judged: Judged, features: Sequence[int]) -> float:
    fewer = {number: replace(own, features=own.features[:, features]) for number, own in pairs.items()}
    probability = predict_held_out(fewer, judged)
    return -sum(
        math.log(max(value if judged.get_grade(*key) else 1 - value, 1e-9))
        for key, value in probability.items()
    )


def cross_validate(
    pairs: Mapping[int, Pairs], judged: Judged, *, is_nested: bool = False
) -> dict[float, tuple[dict[str, float], list[Measures]]]:
    """Return the figures for each threshold, every pool predicted by the readers of the others."""
    probability: dict[tuple[str, str], float] = {}
    for pool in pairs:
        features = list(range(len(FEATURE_NAMES)))
        if is_nested:
            features = choose_features({other: own for other, own in pairs.items() if other != pool}, judged)
            print(pool, [FEATURE_NAMES[number] for number in features])
        fewer = {number: replace(own, features=own.features[:, features]) for number, own in pairs.items()}
        probability |= predict_held_out(fewer, judged, [pool])
    return {threshold: _measure_at(threshold, probability, judged) for threshold in THRESHOLDS}


def predict_held_out(
    pairs: Mapping[int, Pairs], judged: Judged, pools: Iterable[int] = ()
) -> dict[tuple[str, str], float]:
    """Return the probability of each pair of these pools (all of them if none is given), from the others."""
    probability: dict[tuple[str, str], float] = {}
    for pool in pools or pairs:
        held_out = pairs[pool]
        others = [other for number, other in pairs.items() if number != pool]
        coefficients, intercept = fit_pairs(others, judged)
        logits = held_out.features @ coefficients + intercept
        best = _choose_best(logits, held_out.owner)
        for key, row in zip(held_out.keys, best.tolist(), strict=True):
            ruled_out = key in held_out.ruled_out
            probability[key] = 0.0 if ruled_out else float(1 / (1 + np.exp(-logits[row])))
    return probability


def _measure_at(
    threshold: float, probability: Mapping[tuple[str, str], float], judged: Judged
) -> tuple[dict[str, float], list[Measures]]:
    picks: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (reader, paper), value in probability.items():
        if value >= threshold:
            picks[reader].append((-value, paper))
    ordered = {reader: [paper for _, paper in sorted(own)[:6]] for reader, own in picks.items()}
    measures = [measure(profile, ordered.get(name, []), judged) for name, profile in judged.profiles.items()]
    return summarize(measures), measures


def main() -> None:
    """Cross-validate, then fit to all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sentences", action="store_true", help="with the sentence model")
    parser.add_argument("--nested", action="store_true", help="choose the features within each fold")
    arguments = parser.parse_args()
    folder, model = arguments.folder, load_model("sentences") if arguments.sentences else None
    judged = Judged.read(folder)
    pools: Sequence[int] = sorted({reader["pool"] for reader in judged.profiles.values()})
    pairs = {pool: collect_pairs(folder, judged, pool, model) for pool in pools}
    for threshold, (figures, _) in cross_validate(pairs, judged, is_nested=arguments.nested).items():
        print(threshold, json.dumps({name: round(value, 3) for name, value in figures.items()}))
    coefficients, intercept = fit_pairs([*pairs.values()], judged)
    print({name: round(float(value), 2) for name, value in zip(FEATURE_NAMES, coefficients, strict=True)})
    print("intercept", round(intercept, 2))


if __name__ == "__main__":
    main()
