"""Correction for hubs: papers that are similar to every profile.

A candidate's similarity to a reader is read as a standard score among its similarities to papers of earlier
days. The usual spread of all candidates, added to its own, steadies the score:

    (similarity - its mean) / sqrt(its spread^2 + the usual spread^2)

After the mutual proximity of Schnitzer, Flexer, Schedl and Widmer, "Local and global scaling reduce hubs in
space" (2012, JMLR 13, 2871-2902), which judges a distance among all distances of an object, as if these were
normally distributed. Only the candidate's side is used here; adding the usual spread is our own change.
"""

import numpy as np

from digest.ranking.array_types import Floats, Indices
from digest.ranking.sparse_rows import PostingLists, SparseRows

MAX_SAMPLE = 1_000  # papers of earlier days from which spreads are estimated: more give the same
BLOCK_ROWS = 256  # candidates compared at once: bounds the memory


def compute_spreads(papers: SparseRows, background: SparseRows) -> Floats:
    """Return how far each paper's similarity to background papers varies, with a mean of 1.

    Both are unit rows. Without background papers every spread is 1.
    """
    size = len(papers)
    if not size or not len(background):
        return np.ones(size, np.float32)
    sample = PostingLists(background.take(np.arange(0, len(background), -(-len(background) // MAX_SAMPLE))))
    blocks = (papers.slice(start, min(start + BLOCK_ROWS, size)) for start in range(0, size, BLOCK_ROWS))
    own = np.concatenate([sample.multiply(block).std(axis=1) for block in blocks])
    spreads = np.hypot(own, own.mean())
    return np.asarray(spreads / spreads.mean() if spreads.any() else np.ones(size), np.float32)


def subtract_hubness(
    similarity: Floats,
    centroid_similarity: Floats,
    spreads: Floats,
    rows: Indices | slice = slice(None),
) -> Floats:
    """Return how much more similar each two papers are than they are to papers in general; 0 if not at all.

    `similarity` holds these `rows` of the papers against all of them, 0 for a paper with itself;
    `centroid_similarity` and `spreads` have a value for each paper.
    """
    excess, roots = similarity - centroid_similarity, np.sqrt(spreads)
    excess -= centroid_similarity[rows, None]
    excess /= roots
    excess /= roots[rows, None]
    return np.asarray(np.maximum(excess, 0, out=excess), np.float32)
