"""Fits the probability that a paper is wanted for liked ones (`digest.ranking.wanted_by_liked`); measures it.

    python -m bench.liked_model ../shared [--vectors static|sentences|none]

Two kinds of readers, which count alike: real ones who saved papers later (`ranking`; saved is less than
wanted, so each set has an intercept of its own), and judged ones (`picks`), who like half of their right
papers and hope for the others, once on the first day and once with earlier papers. Every judged
morning is predicted by a fit without its readers. Silence is that of readers of one set on a day of another.
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from bench.picks import Judged, measure, read_papers, summarize
from bench.picks_model import CLOSE_WEIGHT, ROUNDS
from bench.ranking_dataset import Day, Task, read_days, to_liked_paper
from digest.app.embedding_models import load_model
from digest.models import LikedPaper, Paper, Profile
from digest.ranking.array_types import Doubles, Floats
from digest.ranking.embeddings import EmbeddingModel
from digest.ranking.ranker import Ranker

EARLIER_PAPERS = 800
STRANGERS = 40  # readers of each day that are tried on others' days
THRESHOLDS = (0.25, 0.3, 0.4, 0.6)


@dataclass(frozen=True)
class LikedCase:
    """A reader with liked papers on one day."""

    kind: str  # the set for which there is an intercept
    reader: str
    papers: Sequence[str]
    grades: Doubles  # of each paper: 2 exactly, 1 close or saved, 0 neither; -1 for liked ones
    nearness: Floats  # of each paper for each query of the reader, compressed
    topics: Floats

    def find_best(self, weights: Doubles) -> tuple[Doubles, Doubles]:
        """Return the features of each paper for its best query, and what they add to the logit."""
        logits = weights[0] * self.nearness + weights[1] * self.topics
        best = logits.argmax(axis=0), np.arange(logits.shape[1])
        return np.column_stack([self.nearness[best], self.topics[best]]), logits[best]


def compare(
    ranker: Ranker, readers: Sequence[tuple[str, Profile]], kind: str, grades: Sequence[Doubles]
) -> Iterator[LikedCase]:
    """Yield readers compared with a day by the product's own code."""
    rankings = ranker.rank([profile for _, profile in readers])
    for (name, _), ranking, own in zip(readers, rankings, grades, strict=True):
        nearness, topics = ranking.chunk.liked.get_features(ranking.row)
        ids = [paper.id for paper in ranking.papers]
        yield LikedCase(kind, name, ids, own, np.log1p(np.maximum(nearness, 0)), topics)


def collect_judged(
    shared: Path, pool: int, model: EmbeddingModel | None, days: Sequence[Day]
) -> Iterator[LikedCase]:
    """Yield judged readers who like half of their right papers, and strangers; with and without a past."""
    judged, papers = Judged.read(shared / "picks"), read_papers(shared / f"picks/pool-{pool}.jsonl")
    by_id, readers, grades = {paper.id: paper for paper in papers}, [], []
    for name, own in judged.grades.items():
        for half in (0, 1):
            liked = sorted(own)[half::2]
            if judged.profiles[name]["pool"] == pool and liked and len(liked) < len(own):
                shown = tuple(LikedPaper(by_id[id_].title, by_id[id_].abstract) for id_ in liked)
                readers.append((name, Profile(liked=shown)))
                grades.append(np.array([-1.0 if p.id in liked else own.get(p.id, 0) for p in papers]))
    strangers = [(task.reader, to_profile(day, task)) for day in days[7:10] for task in day.tasks[:STRANGERS]]
    nothing = [np.zeros(len(papers))] * len(strangers)
    for background in ((), read_earlier(shared)):
        ranker = Ranker(papers, background, model)
        yield from compare(ranker, readers, f"judged {pool}", grades)
        yield from compare(ranker, strangers, "stranger", nothing)


def collect_saved(days: Sequence[Day], model: EmbeddingModel | None) -> Iterator[LikedCase]:
    """Yield real readers on their own day, and machine learning authors among papers of every field."""
    for day in days:
        ranker = Ranker(day.papers(day.candidates), day.papers(day.background), model)
        grades = [np.array([float(c in task.positives) for c in day.candidates]) for task in day.tasks]
        readers = [(task.reader, to_profile(day, task)) for task in day.tasks]
        yield from compare(ranker, readers, day.name, grades)
        if day.name == "citeulike-a-titles" and day is days[9]:
            strangers = [(task.reader, to_profile(days[0], task)) for task in days[0].tasks[:STRANGERS]]
            yield from compare(ranker, strangers, "stranger", [grades[0] * 0] * len(strangers))


def to_profile(day: Day, task: Task) -> Profile:
    """Return the profile of a library reader."""
    return Profile(liked=tuple(to_liked_paper(day.texts[paper]) for paper in task.liked))


def read_earlier(shared: Path) -> list[Paper]:
    """Return the last papers listed before the judged mornings."""
    path = shared / "replay/history-2025-04-to-2026-02.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines][-EARLIER_PAPERS:]
    return [Paper(id=row["id"], title=row["title"], abstract=row["abstract"]) for row in rows]


def fit(cases: Sequence[LikedCase]) -> tuple[Doubles, float]:
    """Return the two coefficients, not negative, and the intercept of judged readers."""
    kinds = sorted({_get_kind(case) for case in cases})
    judged = [case for case in cases if _get_kind(case) == "judged"]
    share = len(judged) / (len(cases) - len(judged))  # of each real reader, so that both kinds count alike
    weights = np.ones(2)
    for _ in range(ROUNDS):
        features, right, importance, owner = [], [], [], []
        for case in cases:
            is_open, kind = case.grades >= 0, _get_kind(case)
            grades = case.grades[is_open]
            features.append(case.find_best(weights)[0][is_open])
            right.append(np.sign(grades - 0.5))
            close = np.where(grades == 1, CLOSE_WEIGHT, 1.0)
            importance.append(close if kind == "judged" else np.full(len(grades), share))
            owner.append(np.full(len(grades), kinds.index(kind)))
        parts = [np.concatenate(part) for part in (features, right, importance, owner)]
        start = np.append(weights, np.full(len(kinds), -5.0))
        bounds = [(0, None)] * 2 + [(None, None)] * len(kinds)
        solution = minimize(_compute_loss, start, args=tuple(parts), jac=True, bounds=bounds).x
        weights = solution[:2]
    return weights, float(solution[2 + kinds.index("judged")])


def _compute_loss(
    weights: Doubles, features: Doubles, right: Doubles, importance: Doubles, owner: Doubles
) -> tuple[float, Doubles]:
    margins = right * (features @ weights[:2] + weights[2 + owner])
    slopes = -importance * right / (1 + np.exp(margins))
    loss = importance @ np.logaddexp(0, -margins)
    return float(loss), np.append(features.T @ slopes, np.bincount(owner, slopes, len(weights) - 2))


def _get_kind(case: LikedCase) -> str:
    return case.kind.split()[0]


def predict(case: LikedCase, model: tuple[Doubles, float]) -> Doubles:
    """Return the probability that each paper is wanted; 0 for liked ones."""
    logits = case.find_best(model[0])[1] + model[1]
    return np.asarray(np.where(case.grades < 0, 0, 1 / (1 + np.exp(-logits))))


def report(name: str, cases: Sequence[LikedCase], probabilities: Sequence[Doubles]) -> None:
    """Print the figures of `bench.picks` at each threshold, and how many are shown nothing."""
    for threshold in THRESHOLDS:
        measures, silent = [], 0
        for case, probability in zip(cases, probabilities, strict=True):
            best = [i for i in np.argsort(-probability, kind="stable")[:6] if probability[i] >= threshold]
            silent += not best
            hoped = {
                paper: int(g) for paper, g in zip(case.papers, case.grades.tolist(), strict=True) if g > 0
            }
            judged = Judged({}, {case.reader: hoped})
            measures.append(measure({"id": case.reader}, [case.papers[i] for i in best], judged))
        figures = {key: round(value, 2) for key, value in summarize(measures).items()}
        share = silent / len(cases)
        print(f"{name} at {threshold}: {len(cases)} readers, silent {share:.2f}", json.dumps(figures))


def report_calibration(cases: Sequence[LikedCase], probabilities: Sequence[Doubles]) -> None:
    """Print how many papers of each predicted probability are right."""
    predicted = np.concatenate([p[case.grades >= 0] for case, p in zip(cases, probabilities, strict=True)])
    right = np.concatenate([case.grades[case.grades >= 0] > 0 for case in cases])
    for low, high in ((0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 1.01)):
        rows = (predicted >= low) & (predicted < high)
        if rows.any():
            print(f"predicted {predicted[rows].mean():.3f}, right {right[rows].mean():.3f} of {rows.sum()}")


def main() -> None:
    """Cross-validate, then fit to all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", default="static")
    arguments = parser.parse_args()
    model, days = load_model(arguments.vectors), [*read_days()]
    cases = [*collect_saved(days, model)]
    for pool in (1, 2, 3):
        cases += collect_judged(arguments.folder, pool, model, days)
    known = [case for case in cases if case.kind != "stranger"]
    judged = [case for case in known if _get_kind(case) == "judged"]
    models = {kind: fit([c for c in known if c.kind != kind]) for kind in {case.kind for case in judged}}
    probabilities = [predict(case, models[case.kind]) for case in judged]
    report("judged", judged, probabilities)
    report_calibration(judged, probabilities)
    fitted = fit(known)
    strangers = [case for case in cases if case.kind == "stranger"]
    report("strangers", strangers, [predict(case, fitted) for case in strangers])
    print(f"nearness {fitted[0][0]:.2f}, topics {fitted[0][1]:.2f}, intercept {fitted[1]:.2f}")


if __name__ == "__main__":
    main()
