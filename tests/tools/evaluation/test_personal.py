"""Evaluation of the personal picks: settings compared on past days, with what readers liked held out."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from digest.cli.evaluate import command
from digest.db import Database
from digest.models import LikedPaper, Profile, Status, Subscriber
from digest.tools.evaluation.personal import EvaluationSetting, measure_gain, ndcg, replay, summarize
from tests.factories import NOW, make_paper, store_subscriber

DAYS = [NOW - timedelta(days=1), NOW]
TITLES = ("Ocean heat", "Auctions", "Speech", "Proteins", "Robots", "Privacy", "Graphs", "Kernels", "Lenses")


def add_liked_reader(store: Database) -> Subscriber:
    """Add two days of papers, and a reader interested in the ocean who liked one of them."""
    for day, moment in enumerate(DAYS):
        papers = [
            make_paper(f"{title} in case {day}", id=f"arxiv:2611.{day}{n:04d}")
            for n, title in enumerate(TITLES)
        ]
        with store.begin() as tx:
            tx.papers.add(papers, seen_at=moment - timedelta(hours=2))
    liked = LikedPaper("Ocean heat in case 1", "", "arxiv:2611.10000")
    profile = Profile(keywords=("ocean",), liked=(liked,), learnt=(("ocean heat", 0.2),))
    with store.begin() as tx:
        return store_subscriber(tx, "ada@example.com", profile=profile, status=Status.CONFIRMED, now=NOW)


def test_a_liked_paper_counts_on_the_day_it_was_a_candidate(store: Database) -> None:
    ada = add_liked_reader(store)
    mails = replay(store, EvaluationSetting("as it is", {}, None), [ada], DAYS)
    assert [mail.ndcg for mail in mails] == [None, 1.0]
    assert sum(mail.repeats for mail in mails) == 0
    result = summarize("as it is", mails)
    assert result.ndcg is not None
    assert result.ndcg.mean == 1.0
    assert sum(result.facets.values()) == pytest.approx(1)


def test_a_setting_that_picks_nothing_loses(store: Database) -> None:
    ada = add_liked_reader(store)
    good = replay(store, EvaluationSetting("good", {}, None), [ada], DAYS)
    bad = replay(
        store, EvaluationSetting("bad", {"picked": 0, "also_new": 0, "trending": 0}, None), [ada], DAYS
    )
    loss = measure_gain(good, bad)
    assert loss is not None
    assert loss.mean == -1.0
    assert measure_gain(good, []) is None


def test_a_liked_paper_counts_more_the_higher_it_stands() -> None:
    assert ndcg(["a", "b"], frozenset("a")) == 1.0
    assert ndcg(["b", "a"], frozenset("a")) == pytest.approx(0.6309, abs=1e-4)
    assert ndcg([*"bcdefghijk", "a"], frozenset("a")) == 0.0
    assert ndcg([], frozenset()) == 0.0


def invoke(store: Database, *options: str) -> Result:
    environment = {"DIGEST_DATABASE_URL": str(store.engine.url), "DIGEST_VECTORS": "none"}
    return CliRunner().invoke(command, ["--now", NOW.isoformat(), *options], env=environment)


def test_the_command_compares_two_settings(store: Database) -> None:
    add_liked_reader(store)
    result = invoke(store, "--days", "7", "--first", "mix=mine", "--second", "threshold=loose", "--json")
    first, second, gain = [json.loads(line) for line in result.stdout.splitlines()]
    assert (first["setting"], second["setting"]) == ("mix=mine", "threshold=loose")
    assert first["ndcg"]["mean"] == 1.0
    assert first["repeats"] == 0
    assert gain["gain"]["mean"] == 0.0


def test_the_command_rejects_an_unknown_setting(store: Database) -> None:
    add_liked_reader(store)
    result = invoke(store, "--first", "colour=red")
    assert result.exit_code == 2
    assert "'colour=red' is no setting" in result.output
