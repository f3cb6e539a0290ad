"""Tests of the cache of papers and heats for messages."""

from dataclasses import replace

from digest.db import Database
from digest.pipeline.messages import CACHE_SECONDS, PaperCache
from tests.factories import NOW, make_paper


def test_a_paper_is_read_again_after_a_minute(store: Database) -> None:
    paper, time = make_paper(), [100.0]
    cache, payloads = PaperCache(clock=lambda: time[0]), [{"papers": [paper.id]}]
    cache.load(store, payloads)
    with store.begin() as tx:
        tx.papers.add([paper], seen_at=NOW)
    cache.load(store, payloads)
    assert cache.papers == {}
    time[0] += CACHE_SECONDS + 1
    cache.load(store, payloads)
    assert cache.papers[paper.id].title == paper.title
    with store.begin() as tx:
        tx.papers.add([replace(paper, version=2, withdrawn=True)], seen_at=NOW)
    time[0] += CACHE_SECONDS + 1
    cache.load(store, payloads)
    assert cache.papers[paper.id].withdrawn


def test_a_cleared_cache_reads_everything_again(store: Database) -> None:
    paper, cache = make_paper(), PaperCache()
    cache.load(store, [{"papers": [paper.id]}])
    with store.begin() as tx:
        tx.papers.add([paper], seen_at=NOW)
    cache.clear()
    cache.load(store, [{"papers": [paper.id]}])
    assert cache.papers.keys() == {paper.id}


def test_papers_and_heats_of_many_payloads_are_loaded_at_once(store: Database) -> None:
    paper, other = make_paper("One of Many Things"), make_paper("Another of Many Things")
    with store.begin() as tx:
        tx.papers.add([paper, other], seen_at=NOW)
        tx.heats.save({"hot": "{}", "nobody asks": "{}"}, now=NOW)
    cache = PaperCache()
    cache.load(store, [{"papers": [paper.id], "heat": ["hot"]}, {"papers": [other.id], "heat": ["hot"]}])
    assert cache.papers.keys() == {paper.id, other.id}
    assert cache.heats == {"hot": "{}"}
