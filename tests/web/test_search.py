"""A search finds what means it, not only what holds its words; and of nonsense it finds nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import pytest

from digest.app.embedding_models import static_table
from digest.db import Database
from digest.db.papers.full_text import Question
from digest.models.errors import ConfigError
from digest.models.papers import Match
from digest.pipeline.embed import keep_up
from digest.ranking.bm25 import Floats
from digest.ranking.embeddings import Embedder, Encode
from digest.web.semantic_index import Meaning
from tests.factories import NOW, paper

TOPICS = (("sheep", "lamb", "wool"), ("star", "comet"), ("pot", "tea"), ("boat", "sea"))
SHEEP = paper("On Sheep", abstract="Wool.", categories=("cs.RO",))
LAMB = paper("A Lamb", abstract="Wool.", categories=("math.AG",))
PAPERS = (SHEEP, LAMB, paper("Comets", abstract="Stars."), paper("Pots", abstract="Tea."), paper("Boats"))


class Topics:
    """A model that knows four things to write about."""

    name, setting, weight = "topics-1", "topics", 1.0
    is_asked = False

    def fitted(self, texts: Sequence[str]) -> Encode:
        del texts
        return self.encoder(b"")

    def learn(self, texts: Sequence[str]) -> bytes:
        del texts
        return b""

    def encoder(self, learnt: bytes) -> Encode:
        del learnt

        def encode(texts: Sequence[str]) -> Floats:
            self.is_asked = True
            rows = [[sum(text.lower().count(word) for word in topic) for topic in TOPICS] for text in texts]
            return np.array(rows, np.float32)

        return encode


def nothing_else(name: str) -> Embedder | None:
    raise ConfigError(f"{name} is not installed")


def filled(store: Database) -> Topics:
    with store.begin() as tx:
        tx.papers.add(PAPERS, seen_at=NOW - timedelta(hours=6))
    keep_up(store, model := Topics(), NOW)
    return model


@pytest.fixture
def ask(any_store: Database) -> Callable[..., list[str]]:
    model = filled(any_store)
    meaning = Meaning(any_store, lambda: model, load=nothing_else)

    def asking(text: str, *, category: str = "", minutes: int = 0) -> list[str]:
        question = Question.of(text, [category] if category else [], None, None)
        found = meaning.added((), text, question, NOW + timedelta(minutes=minutes), most=50)
        return sorted(match.paper.title for match in found)

    return asking


def test_a_paper_that_means_it_is_found_without_the_words(ask: Callable[..., list[str]]) -> None:
    assert ask("wool") == ["A Lamb", "On Sheep"]
    assert ask("tea") == ["Pots"]


def test_nonsense_finds_nothing(ask: Callable[..., list[str]]) -> None:
    assert ask("xqzv") == []


def test_the_filters_hold_for_what_is_found_by_meaning(ask: Callable[..., list[str]]) -> None:
    assert ask("wool", category="math") == ["A Lamb"]
    assert ask("wool", category="cs.CL") == []


def test_a_withdrawn_paper_is_not_found_by_meaning(
    any_store: Database, ask: Callable[..., list[str]]
) -> None:
    assert "A Lamb" in ask("wool")
    with any_store.begin() as tx:
        tx.papers.add([replace(LAMB, withdrawn=True)], seen_at=NOW)
    assert ask("wool") == ["On Sheep"]


def test_new_vectors_are_searched_a_minute_later(any_store: Database, ask: Callable[..., list[str]]) -> None:
    assert ask("sea") == ["Boats"]
    with any_store.begin() as tx:
        tx.papers.add([paper("At Sea", abstract="Nothing.")], seen_at=NOW)
    keep_up(any_store, Topics(), NOW + timedelta(minutes=1))
    assert ask("sea", minutes=2) == ["At Sea", "Boats"]


def test_what_holds_the_words_is_not_said_to_be_found_by_meaning(store: Database) -> None:
    model = filled(store)
    meaning = Meaning(store, lambda: model, load=nothing_else)
    held = [Match(SHEEP, 1.0)]
    found = meaning.added(held, "sheep", Question.of("sheep", [], None, None), NOW, most=50)
    assert [(match.paper.title, match.is_by_meaning) for match in found] == [
        ("On Sheep", False), ("A Lamb", True),
    ]  # fmt: skip


def test_without_a_model_or_vectors_the_words_alone_decide(store: Database) -> None:
    filled(store)
    held = [Match(SHEEP, 1.0)]
    question = Question.of("wool", [], None, None)
    none = Meaning(store, lambda: None, load=nothing_else)
    assert none.added(held, "wool", question, NOW, most=50) is held
    other = Topics()
    other.name = "other-1"  # its vectors are not there, and who made those that are is gone
    assert Meaning(store, lambda: other, load=nothing_else).added(held, "wool", question, NOW, most=9) is held
    assert not other.is_asked


@pytest.mark.skipif(
    not find_spec("wordllama"), reason="the static table is an extra: pip install 'digest[static]'"
)
def test_the_static_table_finds_a_topic_and_no_nonsense(store: Database) -> None:
    about = {
        "Safety of Autonomous Vehicles": "Driverless cars brake late on wet roads.",
        "Protein Structures from Sequences": "We predict how amino acids fold.",
        "Translating Rare Languages": "Low-resource machine translation with dictionaries.",
        "Songs from Text": "Generating music with diffusion.",
    }
    with store.begin() as tx:
        tx.papers.add([paper(title, abstract=text) for title, text in about.items()], seen_at=NOW)
    keep_up(store, table := static_table(), NOW)
    meaning = Meaning(store, lambda: table, load=nothing_else)

    def ask(text: str) -> list[str]:
        found = meaning.added((), text, Question.of(text, [], None, None), NOW, most=50)
        return [match.paper.title for match in found]

    assert ask("self driving automobile")[0] == "Safety of Autonomous Vehicles"
    assert ask("melody")[:1] in ([], ["Songs from Text"])
