"""Which papers are near to everyone? Nearness is told from what it is usually, paper by paper.

Some papers are near to every taste (hubs). So a candidate's nearness to a reader is read as a standard score
among its nearness to papers of earlier days, its own spread beside the usual one, which steadies it:

    (nearness - its mean) / sqrt(its spread^2 + the usual spread^2)

After the mutual proximity of Schnitzer, Flexer, Schedl and Widmer, "Local and global scaling reduce hubs in
space" (2012, JMLR 13, 2871-2902): a distance is judged among all those of its object, as normally spread.
Here the candidate alone is judged so; the usual spread beside its own is ours.
"""

import numpy as np
from scipy import sparse

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

SAMPLE = 1_000  # papers of earlier days that tell the spread: more tell the same
BLOCK = 256  # candidates compared with them at once: bounds the memory


def spreads(papers: sparse.csr_array, earlier: sparse.csr_array) -> Floats:
    """How far each paper's nearness to earlier papers strays, around 1 for a usual one; all unit rows."""
    size = papers.shape[0]
    if not size or not earlier.shape[0]:
        return np.ones(size, np.float32)
    others = earlier[:: -(-earlier.shape[0] // SAMPLE)].T.tocsr()
    own = np.concatenate(
        [(papers[at : at + BLOCK] @ others).toarray().std(axis=1) for at in range(0, size, BLOCK)]
    )
    spread = np.hypot(own, own.mean())
    return np.asarray(spread / spread.mean() if spread.any() else np.ones(size), np.float32)


def without_hubs(alike: Floats, general: Floats, spread: Floats, rows: slice = slice(None)) -> Floats:
    """How much more alike papers are, each to each, than they are to papers in general; 0 if not at all.

    `alike` holds these `rows` of the papers beside all of them, 0 for a paper beside itself; `general` is how
    near each paper is to the usual one.
    """
    more = alike - general - general[rows, None]
    more /= np.sqrt(spread * spread[rows, None])
    return np.asarray(np.maximum(more, 0), np.float32)
