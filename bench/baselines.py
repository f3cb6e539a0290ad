"""Baseline rankers: what other programs and textbooks use."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from bench.ranking_dataset import Day, Task
from digest.ranking.array_types import Floats
from digest.ranking.bm25 import count_terms
from digest.ranking.embeddings import EmbeddingModel

Scores = Sequence[Floats]
Method = Callable[[Day], Scores]


def rank_randomly(day: Day) -> Scores:
    """Rank at random."""
    rng = np.random.default_rng(1)
    return [rng.random(len(day.candidates), np.float32) for _ in day.tasks]


def count_keywords(day: Day) -> Scores:
    """Count the typed keywords that occur in the text."""
    texts = [day.texts[paper].casefold() for paper in day.candidates]
    return [
        np.array([sum(word in text for word in task.keywords) for text in texts], np.float32)
        for task in day.tasks
    ]


def make_bm25(*, keywords: bool) -> Method:
    """Return Okapi BM25 on stemmed words; the query is the typed keywords or the text of the liked papers."""

    def rank(day: Day) -> Scores:
        documents = [_count_words(day.texts[paper]) for paper in (*day.candidates, *day.background)]
        mean_length = sum(sum(words.values()) for words in documents) / len(documents)
        postings: dict[str, list[tuple[int, float]]] = defaultdict(list)
        document_frequency: dict[str, int] = defaultdict(int)
        for index, words in enumerate(documents):
            length_penalty = 1.2 * (0.25 + 0.75 * sum(words.values()) / mean_length)
            for word, count in words.items():
                document_frequency[word] += 1
                if index < len(day.candidates):
                    postings[word].append((index, count * 2.2 / (count + length_penalty)))

        def score(query: dict[str, float]) -> Floats:
            total = np.zeros(len(day.candidates), np.float32)
            for word, count in query.items():
                idf = np.log1p(
                    (len(documents) - document_frequency[word] + 0.5) / (document_frequency[word] + 0.5)
                )
                for index, weight in postings.get(word, ()):
                    total[index] += count * idf * weight
            return total

        return [
            score(_count_words("\n".join(task.keywords if keywords else _liked_texts(day, task))))
            for task in day.tasks
        ]

    return rank


def make_centroid(*, rocchio: bool = False) -> Method:
    """Return cosine to the mean TF-IDF of the liked papers; Rocchio subtracts a quarter of the mean paper."""

    def rank(day: Day) -> Scores:
        rows, row_of = day.tfidf
        candidates = rows[[row_of[paper] for paper in day.candidates]]
        mean_paper = np.asarray(rows.mean(axis=0)).ravel() * 0.25 if rocchio else 0.0

        def score(task: Task) -> Floats:
            query = (
                np.asarray(rows[[row_of[paper] for paper in task.liked]].mean(axis=0)).ravel() - mean_paper
            )
            return np.asarray(candidates @ query, np.float32)

        return [score(task) for task in day.tasks]

    return rank


def make_arxiv_sanity(*, share: int, strengthened: bool = False) -> Method:
    """Return arxiv-sanity-lite: a linear SVM per reader on TF-IDF, liked papers against all others."""

    def rank(day: Day) -> Scores:
        from sklearn.svm import LinearSVC  # noqa: PLC0415  a baseline's own library

        rows, row_of = day.tfidf if strengthened else day.published
        candidates = rows[[row_of[paper] for paper in day.candidates]]
        scores: list[Floats] = []
        for task in day.tasks:
            if not is_sampled(task, share):
                scores.append(np.zeros(0, np.float32))
                continue
            labels = np.zeros(rows.shape[0])
            labels[[row_of[paper] for paper in task.liked]] = 1
            classifier = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-6, random_state=1)
            scores.append(np.asarray(classifier.fit(rows, labels).decision_function(candidates), np.float32))
        return scores

    return rank


def make_time_weighted(embedding: EmbeddingModel) -> Method:
    """Return zotero-arxiv-daily: mean similarity of sentence vectors, newer library papers weigh more."""

    def rank(day: Day) -> Scores:
        encode = embedding.fit_encoder(())
        vectors = {paper: encode([day.texts[paper]])[0] for paper in day.liked}
        candidates = encode([day.texts[paper] for paper in day.candidates])

        def score(task: Task) -> Floats:
            decay = 1 / (1 + np.log10(np.arange(len(task.liked)) + 1))
            library = np.array([vectors[paper] for paper in task.liked])
            return np.asarray(candidates @ (library * (decay / decay.sum())[:, None]).sum(axis=0), np.float32)

        return [score(task) for task in day.tasks]

    return rank


def is_sampled(task: Task, share: int) -> bool:
    """Return True if this reader is in the sample of one in *share*."""
    return share == 1 or sum(task.reader.encode()) % share == 0


def _count_words(text: str) -> dict[str, float]:
    return {term: count for term, count in count_terms(text).items() if " " not in term}


def _liked_texts(day: Day, task: Task) -> list[str]:
    return [day.texts[paper] for paper in task.liked]
