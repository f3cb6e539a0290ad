"""The probability that a reader wants a paper, from those they liked: a logistic model on an absolute scale.

    logit = intercept + a . log(1 + nearness) + b . topics

`nearness` is the similarity by terms and embeddings in standard deviations of usual papers, for a reader of
so many liked ones (`digest.ranking.similarity`); `topics` is how near the paper is in latent topics of the
field (`digest.ranking.field_terms`), 1 for four standard deviations of usual papers. What else there is today
does not count. `python -m bench.liked_model` fits the coefficients and cross-validates them.
"""

import numpy as np

from digest.ranking.array_types import Floats, Indices

LOG_NEARNESS, TOPICS, INTERCEPT = 1.83, 2.05, -6.25


class LikedEvidence:
    """What a chunk of readers liked compared with the papers of the day.

    Attributes:
        readers: Those who were compared, ascending.
        probability: That each of them (a row) wants each paper.

    """

    def __init__(self, owners: Indices, nearness: Floats, topics: Floats) -> None:
        """Take features of papers (columns) for queries (rows); *owners* are the readers of the queries."""
        order = np.argsort(owners, kind="stable")
        self._owners, self._nearness, self._topics = owners[order], nearness[order], topics[order]
        self._logits = compute_logits(self._nearness, self._topics)
        self.readers, starts = np.unique(self._owners, return_index=True)
        best = np.maximum.reduceat(self._logits, starts, axis=0) if len(starts) else self._logits
        self.probability = np.asarray(1 / (1 + np.exp(-best)), np.float32)

    def get_features(self, reader: int) -> tuple[Floats, Floats]:
        """Return nearness and topics of each paper (a column) for each query (a row) of a compared reader."""
        rows = self._owners == reader
        return self._nearness[rows], self._topics[rows]

    def describe(self, reader: int, index: int) -> dict[str, float]:
        """Return each feature and the logit of the paper at *index*, for the query that it is nearest to.

        Empty for a reader who was not compared.
        """
        nearness, topics = (values[:, index] for values in self.get_features(reader))
        if not len(nearness):
            return {}
        logits = compute_logits(nearness, topics)
        best = int(logits.argmax())
        values = {"nearness": nearness[best], "topics": topics[best], "logit": logits[best]}
        return {name: round(float(value), 4) for name, value in values.items()}


def compute_logits(nearness: Floats, topics: Floats) -> Floats:
    """Return the logit of the probability that a paper is wanted."""
    logits = LOG_NEARNESS * np.log1p(np.maximum(nearness, 0)) + TOPICS * topics + INTERCEPT
    return np.asarray(logits, np.float32)
