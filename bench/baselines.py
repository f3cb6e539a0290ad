"""How do others rank? The methods of the programs people use today, and what the textbooks offer."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from bench.readers import Day, Task
from digest.ranking.bm25 import Floats, counted
from digest.ranking.embeddings import Embedding

Scores = Sequence[Floats]
Method = Callable[[Day], Scores]


def by_chance(day: Day) -> Scores:
    """Any order."""
    chance = np.random.default_rng(1)
    return [chance.random(len(day.candidates), np.float32) for _ in day.tasks]


def literal(day: Day) -> Scores:
    """How many of the typed keywords stand in the text."""
    texts = [day.texts[place].casefold() for place in day.candidates]
    return [np.array([sum(w in t for w in task.keywords) for t in texts], np.float32) for task in day.tasks]


def bm25(*, keywords: bool) -> Method:
    """Okapi BM25 on stemmed words, the query being the typed keywords or the texts of the liked papers."""

    def rank(day: Day) -> Scores:
        known = [_words(day.texts[place]) for place in (*day.candidates, *day.background)]
        usual = sum(sum(each.values()) for each in known) / len(known)
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        seen: dict[str, int] = defaultdict(int)
        for place, each in enumerate(known):
            damper = 1.2 * (0.25 + 0.75 * sum(each.values()) / usual)
            for word, times in each.items():
                seen[word] += 1
                if place < len(day.candidates):
                    postings[word].append((place, times * 2.2 / (times + damper)))

        def score(query: dict[str, float]) -> Floats:
            total = np.zeros(len(day.candidates), np.float32)
            for word, times in query.items():
                rarity = np.log1p((len(known) - seen[word] + 0.5) / (seen[word] + 0.5))
                for place, weight in postings.get(word, ()):
                    total[place] += times * rarity * weight
            return total

        return [
            score(_words("\n".join(task.keywords if keywords else _liked_texts(day, task))))
            for task in day.tasks
        ]

    return rank


def centroid(*, rocchio: bool = False) -> Method:
    """Cosine to the mean TF-IDF of the liked papers; Rocchio subtracts a quarter of the usual paper."""

    def rank(day: Day) -> Scores:
        rows, place = day.tfidf
        candidates = rows[[place[each] for each in day.candidates]]
        usual = np.asarray(rows.mean(axis=0)).ravel() * 0.25 if rocchio else 0.0

        def score(task: Task) -> Floats:
            wanted = np.asarray(rows[[place[each] for each in task.liked]].mean(axis=0)).ravel() - usual
            return np.asarray(candidates @ wanted, np.float32)

        return [score(task) for task in day.tasks]

    return rank


def arxiv_sanity(*, share: int, strengthened: bool = False) -> Method:
    """arxiv-sanity-lite: a linear SVM per reader on TF-IDF, liked papers against everything else."""

    def rank(day: Day) -> Scores:
        from sklearn.svm import LinearSVC  # noqa: PLC0415  a baseline's own library

        rows, place = day.tfidf if strengthened else day.published
        candidates = rows[[place[each] for each in day.candidates]]
        found: list[Floats] = []
        for task in day.tasks:
            if not sampled(task, share):
                found.append(np.zeros(0, np.float32))
                continue
            wanted = np.zeros(rows.shape[0])
            wanted[[place[each] for each in task.liked]] = 1
            machine = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6, random_state=1)
            found.append(np.asarray(machine.fit(rows, wanted).decision_function(candidates), np.float32))
        return found

    return rank


def time_weighted(embedding: Embedding) -> Method:
    """zotero-arxiv-daily: mean similarity of sentence vectors, newer library papers weighing more."""

    def rank(day: Day) -> Scores:
        encode = embedding.fitted(())
        vectors = {place: encode([day.texts[place]])[0] for place in day.liked}
        candidates = encode([day.texts[place] for place in day.candidates])

        def score(task: Task) -> Floats:
            decay = 1 / (1 + np.log10(np.arange(len(task.liked)) + 1))
            wanted = np.array([vectors[place] for place in task.liked])
            return np.asarray(candidates @ (wanted * (decay / decay.sum())[:, None]).sum(axis=0), np.float32)

        return [score(task) for task in day.tasks]

    return rank


def sampled(task: Task, share: int) -> bool:
    """Whether this reader is one of so many."""
    return share == 1 or sum(task.reader.encode()) % share == 0


def _words(text: str) -> dict[str, float]:
    return {term: times for term, times in counted(text).items() if " " not in term}


def _liked_texts(day: Day, task: Task) -> list[str]:
    return [day.texts[place] for place in task.liked]
