"""The coefficients of the decision about picks are those that the documented fit gives."""

from importlib.util import find_spec

import pytest

from bench.picks import FOLDER, Judged
from bench.picks_model import collect_pairs, fit_pairs
from digest.app.embedding_models import load_model
from digest.ranking.topic_matching import BY_SENTENCES, BY_WORDS, Coefficients


@pytest.mark.long
@pytest.mark.skipif(not FOLDER.exists(), reason="the judged readers are not here")
@pytest.mark.parametrize(("vectors", "shipped"), [("none", BY_WORDS), ("sentences", BY_SENTENCES)])
def test_shipped_coefficients_are_those_of_the_fit(vectors: str, shipped: Coefficients) -> None:
    if vectors == "sentences" and not find_spec("onnxruntime"):
        pytest.skip("the sentence model is an extra: pip install 'trending-papers-digest[sentences]'")
    judged = Judged.read(FOLDER)
    pairs = [collect_pairs(FOLDER, judged, pool, load_model(vectors)) for pool in (1, 2, 3)]

    coefficients, intercept = fit_pairs(pairs, judged)

    used = [0, *range(2, 5), *([5] if vectors == "sentences" else [])]
    assert coefficients[used] == pytest.approx(shipped.topic[used], abs=0.02)
    assert (coefficients[-1], intercept) == pytest.approx((shipped.interest, shipped.intercept), abs=0.02)
