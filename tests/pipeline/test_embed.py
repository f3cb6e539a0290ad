"""Every paper gets its vector once; a new model takes over only when it knows them all."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from digest.db import Database
from digest.models.errors import ConfigError
from digest.pipeline.day import morning
from digest.pipeline.embed import BATCH, keep_up, served
from digest.pipeline.embed_backlog import catch_up
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedder, Encode, unit
from tests.factories import NOW, paper


@dataclass
class Counting:
    """A model that counts letters, and how many texts it was asked for."""

    name: str = "counting-1"
    setting: str = "counting"
    weight: float = 1.0
    learns: bool = False
    breaks_after: int = 10**9
    asked: list[str] = field(default_factory=list)

    def fitted(self, texts: Sequence[str]) -> Encode:
        return self.encoder(self.learn(texts))

    def learn(self, texts: Sequence[str]) -> bytes:
        return str(len(texts)).encode() if self.learns else b""

    def encoder(self, learnt: bytes) -> Encode:
        del learnt

        def encode(texts: Sequence[str]) -> Floats:
            self.asked += texts
            if len(self.asked) > self.breaks_after:
                raise KeyboardInterrupt
            return np.array([[text.count(letter) + 1 for letter in "aeiou"] for text in texts], np.float32)

        return encode


def filled(store: Database, number: int) -> None:
    with store.begin() as tx:
        tx.papers.add([paper(f"On {n} Oceans") for n in range(number)], seen_at=NOW)


def nothing_else(name: str) -> Embedder | None:
    raise ConfigError(f"{name} is not installed")


def name_of(store: Database, model: Counting) -> str:
    serving = served(store, model, load=nothing_else)
    assert serving is not None
    return serving.name


def test_a_paper_gets_its_vector_once(store: Database) -> None:
    filled(store, 3)
    model = Counting()
    assert keep_up(store, model, NOW) == 3
    assert keep_up(store, model, NOW) == 0
    filled(store, 4)
    assert keep_up(store, model, NOW) == 1


def test_what_is_served_is_what_the_model_said_and_is_not_asked_again(store: Database) -> None:
    filled(store, 3)
    model = Counting()
    keep_up(store, model, NOW)
    texts = list(model.asked)
    serving = served(store, model, load=nothing_else)
    assert serving is not None
    made = serving.fitted(texts)([*texts, "a new one"])
    assert model.asked == [*texts, "a new one"]
    assert np.allclose(made, unit(model.encoder(b"")([*texts, "a new one"])), atol=1e-3)


def test_the_old_model_serves_until_the_new_one_knows_every_paper(store: Database) -> None:
    filled(store, BATCH + 5)
    old, new = Counting(), Counting(name="counting-2", breaks_after=BATCH)
    keep_up(store, old, NOW)
    with suppress(KeyboardInterrupt):
        keep_up(store, new, NOW)
    serving = served(store, new, load=lambda _: old)
    assert serving is not None
    assert serving.name == "counting-1"
    new.breaks_after = 10**9
    assert keep_up(store, new, NOW) == 5  # it goes on where it was broken off
    catch_up(store, new, NOW)
    assert name_of(store, new) == "counting-2"


def test_without_the_old_model_the_new_one_works_from_the_start(store: Database) -> None:
    filled(store, 3)
    keep_up(store, Counting(), NOW)
    assert served(store, new := Counting(name="counting-2"), load=nothing_else) is new


def test_a_model_that_learns_learns_again_from_more_papers_never_from_fewer(store: Database) -> None:
    filled(store, 70)
    model = Counting(learns=True)
    keep_up(store, model, NOW)
    assert name_of(store, model) == "counting-1/64"
    filled(store, 260)
    keep_up(store, model, NOW)
    assert name_of(store, model) == "counting-1/64"
    catch_up(store, model, NOW)
    assert name_of(store, model) == "counting-1/256"


def test_no_model_makes_and_serves_nothing(store: Database) -> None:
    filled(store, 3)
    assert keep_up(store, None, NOW) == 0
    assert served(store, None, load=nothing_else) is None


def test_progress_is_told(store: Database) -> None:
    filled(store, BATCH + 1)
    told: list[tuple[int, int]] = []
    keep_up(store, Counting(), NOW, tell=lambda _, done, of: told.append((done, of)))
    assert told == [(0, BATCH + 1), (BATCH, BATCH + 1)]


def test_a_day_is_ranked_with_the_vectors_of_the_store(store: Database) -> None:
    filled(store, 12)
    model = Counting()
    keep_up(store, model, NOW)
    asked = len(model.asked)
    assert morning(store, NOW, vectors=served(store, model, load=nothing_else)).ranker.rank([]) == []
    assert len(model.asked) == asked
