"""Tests of the figures and problems that `digest status`, the overview and /metrics share."""

from datetime import timedelta

import sqlalchemy as sa

from digest.cli.status import format_status
from digest.db import Database
from digest.db.tables import DELIVERY
from digest.models import DeliveryKind, FetchResult, Health, Status
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.status import (
    SEND_BLOCKED_KEY,
    UNREACHABLE_SINCE_KEY,
    collect_status,
    compute_picks_per_mail,
    find_problems,
    list_days,
)
from tests.factories import NOW, store_subscriber


def test_every_problem_is_found_the_most_serious_first_with_what_to_do(store: Database) -> None:
    with store.begin() as tx:
        tx.meta.pause("restored")
        tx.meta.write(SEND_BLOCKED_KEY, "refused")
        tx.sources.hold("daily/2026-11-23", "half a day", at=NOW)
        reader = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
        tx.subscribers.set_next_due({reader.id: NOW - timedelta(hours=2)})
        for scope, health in (("cs", Health.FAILED), ("math", Health.OK), ("stat", Health.STALE)):
            tx.sources.record(FetchResult(source="arxiv", scope=scope, read_at=NOW, health=health))
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, reader, "x", {"mail": "welcome"}, now=NOW)
        tx.connection.execute(sa.update(DELIVERY).values(state="uncertain", finished_at=NOW))
        problems = find_problems(tx, NOW)
    kinds = ["paused", "delivery", "hold/daily/2026-11-23", "runs", "overdue", "source/arxiv", "uncertain"]
    assert [problem.kind for problem in problems] == kinds
    assert all(problem.advice and problem.facts for problem in problems)
    with store.begin(write=False) as tx:
        status = collect_status(tx, NOW)
    lines = format_status(status)
    for problem, line in zip(problems, lines, strict=False):  # the figures follow
        assert " ".join(problem.facts) in line
        assert problem.kind == "paused" or problem.advice in line
        assert "digest status" not in line


def test_a_reason_that_several_scopes_of_a_source_share_is_said_once(store: Database) -> None:
    with store.begin() as tx:
        for scope, note in (("cs", "no answer"), ("math", "no answer"), ("stat", "changed"), ("q-bio", "")):
            tx.sources.record(
                FetchResult(source="arxiv", scope=scope, read_at=NOW, health=Health.FAILED, note=note)
            )
        (problem,) = (found for found in find_problems(tx, NOW) if found.kind == "source/arxiv")
    assert sorted(problem.facts) == ["cs, math: no answer", "q-bio: failed", "stat: changed"]


def test_a_mail_server_that_just_failed_is_a_problem_while_emails_wait(store: Database) -> None:
    with store.begin() as tx:
        tx.meta.write(LAST_TICK_KEY, NOW.isoformat())
        tx.meta.write(UNREACHABLE_SINCE_KEY, NOW.isoformat())
        assert find_problems(tx, NOW) == []
        reader = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
        tx.deliveries.enqueue_notice(DeliveryKind.NOTICE, reader, "x", {"mail": "welcome"}, now=NOW)
        assert [problem.title for problem in find_problems(tx, NOW)] == ["Emails wait"]


def test_nothing_is_found_while_everything_works(store: Database) -> None:
    with store.begin() as tx:
        tx.meta.write(LAST_TICK_KEY, NOW.isoformat())
        assert find_problems(tx, NOW) == []
        assert [item["kind"] for item in collect_status(tx, NOW + timedelta(hours=1))["problems"]] == ["runs"]


def test_days_without_a_count_are_listed_and_today_is_counted_live(store: Database) -> None:
    with store.begin() as tx:
        store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, now=NOW)
        tx.statistics.add_planned(NOW.date(), editions=2, picks=7)
        days = list_days(tx, NOW, 3)
        status = collect_status(tx, NOW)
    assert [day["day"] for day in days] == [NOW.date() - timedelta(days=back) for back in (2, 1, 0)]
    assert days[0].keys() == {"day"}
    assert days[2]["subscribers_confirmed"] == 1
    assert [compute_picks_per_mail(day) for day in days] == [None, None, 3.5]
    assert list(status["days"])[-1] == str(NOW.date())
    assert status["days"][str(NOW.date())]["picks"] == 7
