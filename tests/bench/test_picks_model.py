"""The coefficients of the decision about picks explain the judged readers as well as the documented fit."""

from importlib.util import find_spec

import numpy as np
import pytest

from bench.picks import FOLDER, Judged
from bench.picks_model import collect_pairs, compute_loss, fit_pairs
from digest.app.embedding_models import load_model
from digest.ranking.topic_matching import BY_SENTENCES, BY_WORDS, Coefficients


@pytest.mark.skipif(not FOLDER.exists(), reason="the judged readers are not here")
@pytest.mark.parametrize(
    ("vectors", "shipped"),
    [("none", BY_WORDS), pytest.param("sentences", BY_SENTENCES, marks=pytest.mark.long)],
)
def test_shipped_coefficients_explain_the_readers_as_well_as_the_fit(
    vectors: str, shipped: Coefficients
) -> None:
    if vectors == "sentences" and not find_spec("onnxruntime"):
        pytest.skip("the sentence model is an extra: pip install 'trending-papers-digest[sentences]'")
    judged = Judged.read(FOLDER)
    pairs = [collect_pairs(FOLDER, judged, pool, load_model(vectors)) for pool in (1, 2, 3)]

    fitted = compute_loss(pairs, judged, *fit_pairs(pairs, judged))
    coefficients = np.append(shipped.topic, shipped.interest)
    assert compute_loss(pairs, judged, coefficients, shipped.intercept) < 1.005 * fitted
