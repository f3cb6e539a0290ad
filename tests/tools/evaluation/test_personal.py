"""Two settings are compared on days that were, with what readers came to like of them held out."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from digest.cli.evaluate import command
from digest.db import Database
from digest.models import LikedPaper, Profile, Status, Subscriber
from digest.tools.evaluation.personal import Setting, gained, ndcg, outcome, replay
from tests.factories import NOW, paper

DAYS = [NOW - timedelta(days=1), NOW]
TITLES = ("Ocean heat", "Auctions", "Speech", "Proteins", "Robots", "Privacy", "Graphs", "Kernels", "Lenses")


def settled(store: Database) -> Subscriber:
    """Two days of papers, and a reader of the sea who liked one of them."""
    for day, moment in enumerate(DAYS):
        papers = [
            paper(f"{title} in case {day}", id=f"arxiv:2611.{day}{n:04d}") for n, title in enumerate(TITLES)
        ]
        with store.begin() as tx:
            tx.papers.add(papers, seen_at=moment - timedelta(hours=2))
    liked = LikedPaper("Ocean heat in case 1", "", "arxiv:2611.10000")
    profile = Profile(keywords=("ocean",), liked=(liked,), learnt=(("ocean heat", 0.2),))
    with store.begin() as tx:
        return tx.subscribers.add("ada@example.com", profile=profile, status=Status.CONFIRMED, now=NOW)


def test_what_was_liked_is_hoped_for_on_the_day_it_was_there(store: Database) -> None:
    ada = settled(store)
    mailed = replay(store, Setting("as it is", {}, None), [ada], DAYS)
    assert [each.ndcg for each in mailed] == [None, 1.0]
    assert sum(each.repeats for each in mailed) == 0
    found = outcome("as it is", mailed)
    assert found.ndcg is not None
    assert found.ndcg.mean == 1.0
    assert sum(found.facets.values()) == pytest.approx(1)


def test_a_setting_that_picks_nothing_loses(store: Database) -> None:
    ada = settled(store)
    good = replay(store, Setting("good", {}, None), [ada], DAYS)
    bad = replay(store, Setting("bad", {"picked": 0, "also_new": 0, "trending": 0}, None), [ada], DAYS)
    loss = gained(good, bad)
    assert loss is not None
    assert loss.mean == -1.0
    assert gained(good, []) is None


def test_a_wanted_paper_counts_more_the_higher_it_stands() -> None:
    assert ndcg(["a", "b"], frozenset("a")) == 1.0
    assert ndcg(["b", "a"], frozenset("a")) == pytest.approx(0.6309, abs=1e-4)
    assert ndcg([*"bcdefghijk", "a"], frozenset("a")) == 0.0
    assert ndcg([], frozenset()) == 0.0


def asked(store: Database, *options: str) -> Result:
    environment = {"DIGEST_DATABASE_URL": str(store.engine.url), "DIGEST_VECTORS": "none"}
    return CliRunner().invoke(command, ["--now", NOW.isoformat(), *options], env=environment)


def test_the_command_compares_two_settings(store: Database) -> None:
    settled(store)
    result = asked(store, "--days", "7", "--first", "mix=mine", "--second", "threshold=loose", "--json")
    first, second, gain = [json.loads(line) for line in result.stdout.splitlines()]
    assert (first["setting"], second["setting"]) == ("mix=mine", "threshold=loose")
    assert first["ndcg"]["mean"] == 1.0
    assert first["repeats"] == 0
    assert gain["gain"]["mean"] == 0.0


def test_the_command_names_a_setting_that_is_none(store: Database) -> None:
    settled(store)
    result = asked(store, "--first", "colour=red")
    assert result.exit_code == 2
    assert "'colour=red' is no setting" in result.output
