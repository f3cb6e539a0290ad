"""Tests of `digest trending`, `digest evaluate` and `digest fit`."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from digest.cli.evaluate import command as evaluate
from digest.cli.fit import command as fit
from digest.cli.trending import command as trending
from digest.db import Database
from digest.models import Paper, Signal, SignalKind
from tests.factories import NOW, make_paper

Run = Callable[..., Result]
AT = NOW.isoformat()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command with a new database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DIGEST_DATABASE_URL", f"sqlite:///{tmp_path}/digest.sqlite3")
    return lambda command, *args: CliRunner().invoke(command, args, catch_exceptions=False)


def make_listed_paper(number: int, *, days_ago: int = 0) -> Paper:
    day = (NOW - timedelta(days=days_ago)).date()
    return replace(make_paper(f"Sheep {number}", id=f"arxiv:2611.{number:05d}"), listed=day)


def make_signal(paper: Paper, value: float, age: float) -> Signal:
    assert paper.listed
    at = datetime.combine(paper.listed, time(), UTC) + timedelta(hours=age)
    return Signal(
        paper_id=paper.id, kind=SignalKind.UPVOTES, value=value, observed_at=at, source="huggingface"
    )


@pytest.fixture
def hot_and_usual(tmp_path: Path) -> tuple[Paper, Paper]:
    """Store two papers of today, one with many votes; return it and the other."""
    store = Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")
    usual, hot = make_listed_paper(1), make_listed_paper(2)
    with store.begin() as tx:
        tx.papers.add([usual, hot], seen_at=NOW - timedelta(hours=5))
        tx.signals.add([make_signal(usual, 4, 9), make_signal(hot, 31, 9)])
    store.close()
    return hot, usual


def test_list_shows_the_hottest_paper_first_with_its_reason(
    run: Run, hot_and_usual: tuple[Paper, Paper]
) -> None:
    header, first, second = run(trending, "--now", AT).output.splitlines()
    assert header.split("\t")[:3] == ["#", "heat", "votes"]
    assert "Sheep 2" in first
    assert "31 upvotes in its first 9 hours" in first.replace("\N{NO-BREAK SPACE}", " ")
    assert "Sheep 1" in second


def test_json_has_one_object_a_line(run: Run, hot_and_usual: tuple[Paper, Paper]) -> None:
    lines = [json.loads(line) for line in run(trending, "--json", "--now", AT).output.splitlines()]
    assert [line["id"] for line in lines] == [paper.id for paper in hot_and_usual]
    assert [line["place"] for line in lines] == [1, 2]
    assert lines[0]["votes"] == 31
    assert lines[0]["low"] < lines[0]["expected"] < lines[0]["high"]


def test_empty_database_says_what_to_do(run: Run) -> None:
    result = run(trending, "--now", AT)
    assert result.exit_code == 0
    assert "digest fetch" in result.stderr


def test_empty_day_suggests_a_longer_window(run: Run, hot_and_usual: tuple[Paper, Paper]) -> None:
    later = (NOW + timedelta(days=4)).isoformat()
    result = run(trending, "--now", later)
    assert "No paper was seen in the last 2 days: try --window week" in result.stderr
    assert "Sheep" in run(trending, "--window", "week", "--now", later).stdout
    assert "look bought" in run(trending, "--doubted", "--now", AT).stderr


def test_doubted_list_is_empty_without_suspicious_votes(run: Run, hot_and_usual: tuple[Paper, Paper]) -> None:
    assert run(trending, "--doubted", "--json", "--now", AT).stdout == ""


def test_stored_days_are_evaluated_beside_other_formulas(run: Run, tmp_path: Path) -> None:
    papers = [make_listed_paper(number, days_ago=14 - number % 5) for number in range(40)]
    store = Database.open(f"sqlite:///{tmp_path}/digest.sqlite3")
    with store.begin() as tx:
        tx.papers.add(papers, seen_at=NOW - timedelta(days=15))
        tx.signals.add(
            make_signal(paper, n * age / 72, age) for n, paper in enumerate(papers) for age in (8, 24, 72)
        )
    store.close()
    scores = [
        json.loads(line) for line in run(evaluate, "--json", "--limit", "3", "--now", AT).output.splitlines()
    ]
    assert {score["name"] for score in scores} >= {
        "shipped",
        "raw votes",
        "Hacker News",
        "Reddit",
        "EWMA 72 h",
    }
    assert all(0 <= score["timely"]["mean"] <= score["recall"]["mean"] <= 1 for score in scores)


def test_file_that_is_no_replay_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("{}\n")
    with pytest.raises(Exception, match="is not a replay"):
        run(evaluate, "--replay", "x.jsonl")


@pytest.mark.parametrize("command", [trending, evaluate, fit])
def test_help_shows_an_example(run: Run, command: click.Command) -> None:
    assert "Example:" in run(command, "--help").output


def test_fit_needs_more_papers_than_a_new_database_has(run: Run) -> None:
    result = run(fit, "--now", AT)
    assert "Too few papers yet" in result.stderr
    assert "shipped" in result.stdout
