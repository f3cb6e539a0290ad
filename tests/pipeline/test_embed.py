"""Tests of computing, storing and serving the vectors of papers."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from digest.db import Database
from digest.models.errors import ConfigError
from digest.pipeline.day import load_day
from digest.pipeline.embed import BATCH_SIZE, embed_recent_papers, load_serving_model
from digest.pipeline.embed_backlog import embed_backlog
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import Encoder, StorableEmbeddingModel, normalize_rows
from tests.factories import NOW, make_paper


@dataclass
class CountingModel:
    """A model whose vectors count letters; it records the texts it was called with."""

    name: str = "counting-1"
    setting: str = "counting"
    weight: float = 1.0
    is_calibrated: bool = False
    learns: bool = False
    breaks_after: int = 10**9
    calls: list[str] = field(default_factory=list)

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:
        return self.restore_encoder(self.fit_state(texts))

    def fit_state(self, texts: Sequence[str]) -> bytes:
        return str(len(texts)).encode() if self.learns else b""

    def restore_encoder(self, state: bytes) -> Encoder:
        del state

        def encode(texts: Sequence[str]) -> Floats:
            self.calls += texts
            if len(self.calls) > self.breaks_after:
                raise KeyboardInterrupt
            return np.array([[text.count(letter) + 1 for letter in "aeiou"] for text in texts], np.float32)

        return encode


def add_papers(store: Database, number: int) -> None:
    with store.begin() as tx:
        tx.papers.add([make_paper(f"On {n} Oceans") for n in range(number)], seen_at=NOW)


def raise_not_installed(name: str) -> StorableEmbeddingModel | None:
    raise ConfigError(f"{name} is not installed")


def get_serving_name(store: Database, model: CountingModel) -> str:
    serving = load_serving_model(store, model, load=raise_not_installed)
    assert serving is not None
    return serving.name


def test_a_paper_is_embedded_once(store: Database) -> None:
    add_papers(store, 3)
    model = CountingModel()
    assert embed_recent_papers(store, model, NOW) == 3
    assert embed_recent_papers(store, model, NOW) == 0
    add_papers(store, 4)
    assert embed_recent_papers(store, model, NOW) == 1


def test_served_vectors_equal_those_of_the_model_and_are_not_computed_again(store: Database) -> None:
    add_papers(store, 3)
    model = CountingModel()
    embed_recent_papers(store, model, NOW)
    texts = list(model.calls)
    serving = load_serving_model(store, model, load=raise_not_installed)
    assert serving is not None
    vectors = serving.fit_encoder(texts)([*texts, "a new one"])
    assert model.calls == [*texts, "a new one"]
    assert np.allclose(vectors, normalize_rows(model.restore_encoder(b"")([*texts, "a new one"])), atol=1e-3)


def test_the_old_model_serves_until_the_new_one_knows_every_paper(store: Database) -> None:
    add_papers(store, BATCH_SIZE + 5)
    old, new = CountingModel(), CountingModel(name="counting-2", breaks_after=BATCH_SIZE)
    embed_recent_papers(store, old, NOW)
    with suppress(KeyboardInterrupt):
        embed_recent_papers(store, new, NOW)
    serving = load_serving_model(store, new, load=lambda _: old)
    assert serving is not None
    assert serving.name == "counting-1"
    new.breaks_after = 10**9
    assert embed_recent_papers(store, new, NOW) == 5  # it resumes where it was interrupted
    embed_backlog(store, new, NOW)
    assert get_serving_name(store, new) == "counting-2"


def test_without_the_old_model_the_new_one_works_from_the_start(store: Database) -> None:
    add_papers(store, 3)
    embed_recent_papers(store, CountingModel(), NOW)
    assert load_serving_model(store, new := CountingModel(name="counting-2"), load=raise_not_installed) is new


def test_a_learning_model_learns_again_from_more_papers_never_from_fewer(store: Database) -> None:
    add_papers(store, 70)
    model = CountingModel(learns=True)
    embed_recent_papers(store, model, NOW)
    assert get_serving_name(store, model) == "counting-1/64"
    add_papers(store, 260)
    embed_recent_papers(store, model, NOW)
    assert get_serving_name(store, model) == "counting-1/64"
    embed_backlog(store, model, NOW)
    assert get_serving_name(store, model) == "counting-1/256"


def test_without_a_model_nothing_is_embedded_or_served(store: Database) -> None:
    add_papers(store, 3)
    assert embed_recent_papers(store, None, NOW) == 0
    assert load_serving_model(store, None, load=raise_not_installed) is None


def test_progress_is_reported(store: Database) -> None:
    add_papers(store, BATCH_SIZE + 1)
    progress: list[tuple[int, int]] = []
    embed_recent_papers(
        store, CountingModel(), NOW, on_progress=lambda _, done, of: progress.append((done, of))
    )
    assert progress == [(0, BATCH_SIZE + 1), (BATCH_SIZE, BATCH_SIZE + 1)]


def test_a_day_is_ranked_with_the_vectors_of_the_store(store: Database) -> None:
    add_papers(store, 12)
    model = CountingModel()
    embed_recent_papers(store, model, NOW)
    calls = len(model.calls)
    assert (
        load_day(
            store, NOW, embedding_model=load_serving_model(store, model, load=raise_not_installed)
        ).ranker.rank([])
        == []
    )
    assert len(model.calls) == calls
