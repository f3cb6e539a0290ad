"""Search by meaning: finds papers without the words, applies the filters, finds nothing for nonsense."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import pytest

from digest.app.embedding_models import load_static_table
from digest.db import Database
from digest.db.papers.full_text import PaperQuery
from digest.models.errors import ConfigError
from digest.models.papers import Match
from digest.pipeline.embed import embed_recent_papers
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import Encoder, StorableEmbeddingModel
from digest.web.semantic_index import SemanticIndex
from tests.factories import NOW, make_paper

TOPICS = (("sheep", "lamb", "wool"), ("star", "comet"), ("pot", "tea"), ("boat", "sea"))
SHEEP = make_paper("On Sheep", abstract="Wool.", categories=("cs.RO",))
LAMB = make_paper("A Lamb", abstract="Wool.", categories=("math.AG",))
PAPERS = (
    SHEEP,
    LAMB,
    make_paper("Comets", abstract="Stars."),
    make_paper("Pots", abstract="Tea."),
    make_paper("Boats"),
)


class Topics:
    """An embedding model that counts the words of four topics."""

    name, setting, weight, is_calibrated = "topics-1", "topics", 1.0, False
    is_asked = False

    def fit_encoder(self, texts: Sequence[str]) -> Encoder:
        del texts
        return self.restore_encoder(b"")

    def fit_state(self, texts: Sequence[str]) -> bytes:
        del texts
        return b""

    def restore_encoder(self, state: bytes) -> Encoder:
        del state

        def encode(texts: Sequence[str]) -> Floats:
            self.is_asked = True
            rows = [[sum(text.lower().count(word) for word in topic) for topic in TOPICS] for text in texts]
            return np.array(rows, np.float32)

        return encode


def load_no_other(name: str) -> StorableEmbeddingModel | None:
    raise ConfigError(f"{name} is not installed")


def add_papers(store: Database) -> Topics:
    with store.begin() as tx:
        tx.papers.add(PAPERS, seen_at=NOW - timedelta(hours=6))
    embed_recent_papers(store, model := Topics(), NOW)
    return model


@pytest.fixture
def ask(any_store: Database) -> Callable[..., list[str]]:
    model = add_papers(any_store)
    semantic_index = SemanticIndex(any_store, lambda: model, load=load_no_other)

    def search(text: str, *, category: str = "", minutes: int = 0) -> list[str]:
        query = PaperQuery.parse(text, [category] if category else [], None, None)
        matches = semantic_index.add_semantic_matches(
            (), text, query, NOW + timedelta(minutes=minutes), limit=50
        )
        return sorted(match.paper.title for match in matches)

    return search


def test_a_paper_on_the_topic_is_found_without_the_words(ask: Callable[..., list[str]]) -> None:
    assert ask("wool") == ["A Lamb", "On Sheep"]
    assert ask("tea") == ["Pots"]


def test_nonsense_finds_nothing(ask: Callable[..., list[str]]) -> None:
    assert ask("xqzv") == []


def test_filters_apply_to_matches_by_meaning(ask: Callable[..., list[str]]) -> None:
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
        tx.papers.add([make_paper("At Sea", abstract="Nothing.")], seen_at=NOW)
    embed_recent_papers(any_store, Topics(), NOW + timedelta(minutes=1))
    assert ask("sea", minutes=2) == ["At Sea", "Boats"]


def test_a_match_by_words_is_not_marked_as_found_by_meaning(store: Database) -> None:
    model = add_papers(store)
    semantic_index = SemanticIndex(store, lambda: model, load=load_no_other)
    by_words = [Match(SHEEP, 1.0)]
    matches = semantic_index.add_semantic_matches(
        by_words, "sheep", PaperQuery.parse("sheep", [], None, None), NOW, limit=50
    )
    assert [(match.paper.title, match.is_semantic) for match in matches] == [
        ("On Sheep", False), ("A Lamb", True),
    ]  # fmt: skip


def test_without_a_model_or_vectors_the_words_alone_decide(store: Database) -> None:
    add_papers(store)
    by_words = [Match(SHEEP, 1.0)]
    query = PaperQuery.parse("wool", [], None, None)
    none = SemanticIndex(store, lambda: None, load=load_no_other)
    assert none.add_semantic_matches(by_words, "wool", query, NOW, limit=50) is by_words
    other = Topics()
    other.name = "other-1"  # it has no vectors, and the model of the stored ones is not installed
    assert (
        SemanticIndex(store, lambda: other, load=load_no_other).add_semantic_matches(
            by_words, "wool", query, NOW, limit=9
        )
        is by_words
    )
    assert not other.is_asked


@pytest.mark.skipif(
    not find_spec("wordllama"),
    reason="the static table is an extra: pip install 'trending-papers-digest[static]'",
)
def test_the_static_table_finds_a_topic_and_nothing_for_nonsense(store: Database) -> None:
    abstracts = {
        "Safety of Autonomous Vehicles": "Driverless cars brake late on wet roads.",
        "Protein Structures from Sequences": "We predict how amino acids fold.",
        "Translating Rare Languages": "Low-resource machine translation with dictionaries.",
        "Songs from Text": "Generating music with diffusion.",
    }
    with store.begin() as tx:
        tx.papers.add([make_paper(title, abstract=text) for title, text in abstracts.items()], seen_at=NOW)
    embed_recent_papers(store, table := load_static_table(), NOW)
    semantic_index = SemanticIndex(store, lambda: table, load=load_no_other)

    def ask(text: str) -> list[str]:
        matches = semantic_index.add_semantic_matches(
            (), text, PaperQuery.parse(text, [], None, None), NOW, limit=50
        )
        return [match.paper.title for match in matches]

    assert ask("self driving automobile")[0] == "Safety of Autonomous Vehicles"
    assert ask("melody")[:1] in ([], ["Songs from Text"])
