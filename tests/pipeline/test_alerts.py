"""Tests of the alerts to the operator."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from digest.app import run
from digest.app.services import Services
from digest.db import Database
from digest.db.deliveries.bounce_policy import AlikeAnswer
from digest.models import (
    BounceKind,
    BounceReport,
    DeliveryKind,
    DeliveryState,
    FetchResult,
    Health,
    NewDelivery,
)
from digest.pipeline.alerts import (
    TOLD_KEY,
    Problem,
    build_delivery_problem,
    build_stop_problem,
    find_bounce_problems,
    find_judgement_problems,
    find_source_problems,
    queue_alerts,
)
from tests.app.test_run import DUE, THURSDAY, Installation
from tests.app.test_run import installation as installation  # noqa: PLC0414  a fixture is known by its name here
from tests.factories import NOW

PROBLEM = Problem(kind="delivery", title="Broken", facts=["It broke."], advice="Mend it.")


def make_result(source: str, health: Health, scope: str = "") -> FetchResult:
    return FetchResult(source=source, scope=scope, read_at=NOW, health=health, note="It did not answer.")


OTHER = Problem(kind="bounces", title="Many bounces", facts=["12 in 24 hours."], advice="Look.")
HOUR = timedelta(hours=1)


def queue(store: Database, *problems: Problem, hours: float, to: str = "admin@example.com") -> bool:
    with store.begin() as tx:
        return queue_alerts(tx, to, problems, now=NOW + hours * HOUR)


def list_alerts(store: Database) -> list[list[str]]:
    """Return the titles in each queued alert, newest first."""
    with store.begin(write=False) as tx:
        queued = tx.deliveries.list_by_state(DeliveryState.QUEUED)
    problems: list[Any] = [mail.payload["problems"] for mail in queued]
    return [[each["title"] for each in of_mail] for of_mail in problems]


def test_one_message_tells_all_that_is_wrong_and_again_only_when_it_lasts(any_store: Database) -> None:
    assert queue(any_store, PROBLEM, OTHER, hours=0)
    told = [queue(any_store, PROBLEM, OTHER, hours=hours) for hours in (0.1, 5, 23.9, 24, 30, 47.9, 48)]
    assert told == [False, False, False, True, False, False, True]
    assert list_alerts(any_store) == [["Broken", "Many bounces"]] * 3
    with any_store.begin(write=False) as tx:
        newest: Any = tx.deliveries.list_by_state(DeliveryState.QUEUED)[0].payload["problems"]
    assert newest[0]["facts"] == ["It broke.", "It began on 23 November, 09:30 UTC."]


def test_what_is_new_or_changed_is_told_with_all_else_and_numbers_are_no_change(store: Database) -> None:
    assert queue(store, OTHER, hours=0)
    assert not queue(store, replace(OTHER, facts=["340 in 24 hours."]), hours=1)
    assert queue(store, OTHER, PROBLEM, hours=2)
    assert queue(store, OTHER, replace(PROBLEM, facts=["It broke in another way."]), hours=3)
    assert not queue(store, OTHER, hours=4)
    assert list_alerts(store) == [["Many bounces", "Broken"], ["Many bounces", "Broken"], ["Many bounces"]]


def test_a_problem_that_comes_and_goes_is_told_once_a_day(store: Database) -> None:
    told = [queue(store, *([PROBLEM] if hours % 2 else []), hours=hours) for hours in range(1, 25)]
    assert told.count(True) == 1
    assert not queue(store, hours=26)
    assert queue(store, PROBLEM, hours=50)  # over for a day: it is new again


def test_no_alert_is_queued_without_an_admin_address_or_a_problem(store: Database) -> None:
    assert not queue(store, PROBLEM, hours=0, to="")
    assert not queue(store, hours=1)
    assert list_alerts(store) == []
    assert queue(store, PROBLEM, hours=2)  # told as soon as there is somebody to tell


def test_what_another_version_noted_is_read_as_nothing(store: Database) -> None:
    with store.begin() as tx:
        tx.meta.write(TOLD_KEY, '{"delivery": ["1"]}')
    assert queue(store, PROBLEM, hours=0)


def test_a_source_is_a_problem_only_if_all_its_scopes_failed() -> None:
    results = [
        make_result("arxiv", Health.FAILED, "cs.CL"),
        make_result("arxiv", Health.OK, "cs.LG"),
        make_result("huggingface", Health.CHANGED),
        make_result("hackernews", Health.EMPTY),
    ]
    assert [problem.kind for problem in find_source_problems(results)] == ["source/huggingface"]


def test_an_outage_of_several_sources_is_one_problem_with_a_sentence_for_each_error() -> None:
    failed = [
        *(
            replace(make_result("arxiv", Health.FAILED, scope), note="503")
            for scope in ("cs", "math", "stat")
        ),
        replace(make_result("arxiv", Health.FAILED, "q-bio"), note="no answer in 30 seconds"),
        replace(make_result("hackernews", Health.FAILED), note="503"),
    ]

    (outage,) = find_source_problems([*failed, make_result("huggingface", Health.OK)])

    assert outage.title == "arxiv, hackernews could not be read"
    assert len(outage.facts) == 3
    assert outage.facts[0] == "arxiv (cs, math, stat): 503"
    (all_failed,) = find_source_problems(failed)
    assert all_failed.title == "No source could be read"
    assert not [*find_source_problems([make_result("arxiv", Health.OK)])]


@pytest.mark.parametrize(
    "problem", [build_stop_problem("It looked wrong."), build_delivery_problem(["535"]), PROBLEM]
)
def test_every_problem_has_advice(problem: Problem) -> None:
    assert problem.title
    assert problem.facts
    assert problem.advice


@pytest.mark.parametrize(
    ("handed_over", "bounces", "kinds"),
    [
        (100, {}, []),
        (1000, {BounceKind.HARD: 50}, []),
        (1000, {BounceKind.HARD: 40, BounceKind.UNSURE: 11}, ["bounces"]),
        (100, {BounceKind.HARD: 9}, []),
        (0, {BounceKind.HARD: 10}, ["bounces"]),
        (100, {BounceKind.SOFT: 90, BounceKind.OTHER: 90}, []),
        (1000, {BounceKind.COMPLAINT: 3}, []),
        (900, {BounceKind.COMPLAINT: 3}, ["complaints"]),
        (10, {BounceKind.COMPLAINT: 2}, []),
        (500, {BounceKind.HARD: 100, BounceKind.COMPLAINT: 5}, ["bounces", "complaints"]),
    ],
)
def test_bounces_are_a_problem_when_they_are_many_and_a_large_share(
    handed_over: int, bounces: dict[BounceKind, int], kinds: list[str]
) -> None:
    problems = find_bounce_problems(
        {DeliveryState.ACCEPTED: handed_over, DeliveryState.EXPIRED: 9999}, bounces
    )
    assert [problem.kind for problem in problems] == kinds


def test_refusals_that_are_about_us_are_told_with_what_to_do() -> None:
    alike = AlikeAnswer(reply="550 not taken", readers=7, domains=3)
    problems = [*find_judgement_problems([alike], 5, {"blocked": 9, "too-large": 1})]
    assert [problem.kind for problem in problems] == ["alike", "held", "reports"]
    assert [list(problem.facts) for problem in problems] == [
        ["7 readers of 3 domains: 550 not taken"],
        ["5 more stay subscribed, because too many were suppressed for bounces in 24 hours."],
        ["9 emails: blocked", "1 emails: too-large"],
    ]
    assert "subscribers restore --since" in problems[1].advice
    assert not [*find_judgement_problems([], 0, {})]


def test_reports_that_blame_us_are_counted_by_reason(any_store: Database) -> None:
    with any_store.begin() as tx:
        for name, reason in (("a", "blocked"), ("b", "blocked"), ("c", "")):
            mail = NewDelivery(
                kind=DeliveryKind.NOTICE, key=name, subscriber_id=None, address=f"{name}@example.com",
                slot=NOW, not_before=NOW, not_after=NOW + timedelta(hours=1), payload={},
            )  # fmt: skip
            tx.deliveries.enqueue([mail], now=NOW)
            delivery = tx.deliveries.find_by_key(name)
            assert delivery
            tx.deliveries.record_bounce(
                BounceReport(delivery.public_id, BounceKind.OTHER, "550", name, reason=reason),
                now=NOW,
                suppression_key=b"pepper",
            )
        assert tx.deliveries.count_reported_faults(NOW) == {"blocked": 2}
        assert tx.deliveries.count_reported_faults(NOW + timedelta(seconds=1)) == {}


def test_bounces_are_counted_once_per_mail_and_only_since_the_given_time(any_store: Database) -> None:
    with any_store.begin() as tx:
        for name in "ab":
            mail = NewDelivery(
                kind=DeliveryKind.NOTICE, key=name, subscriber_id=None, address=f"{name}@example.com",
                slot=NOW, not_before=NOW, not_after=NOW + timedelta(hours=1), payload={},
            )  # fmt: skip
            tx.deliveries.enqueue([mail], now=NOW)
            delivery = tx.deliveries.find_by_key(name)
            assert delivery
            for number in range(2):
                at, raw_hash = NOW - timedelta(days=name == "b"), f"{name}{number}"
                tx.deliveries.record_bounce(
                    BounceReport(delivery.public_id, BounceKind.HARD, "5.1.1", raw_hash),
                    now=at,
                    suppression_key=b"pepper",
                )
        assert tx.deliveries.count_bounces(NOW - timedelta(hours=1)) == {BounceKind.HARD: 1}


async def test_the_operator_gets_one_alert_when_a_days_mails_bounce(installation: Installation) -> None:
    for number in range(12):
        installation.subscribe(f"reader{number}@example.com")
    await installation.fetch_and_send(THURSDAY)
    now = THURSDAY + DUE + timedelta(hours=1)
    with installation.services.store.begin() as tx:
        for reader in tuple(tx.subscribers.list_after()):
            (mail,) = tx.deliveries.list_by_subscriber(reader.id)
            tx.deliveries.record_bounce(
                BounceReport(mail.public_id, BounceKind.HARD, "5.1.1", mail.public_id),
                now=now,
                suppression_key=b"pepper",
            )
    changes = {"admin_address": "admin@example.com", "sources": ()}
    services = Services(
        installation.services.settings.model_copy(update=changes), installation.services.store
    )
    await run.run(services, lambda: now + timedelta(minutes=1))
    await run.run(services, lambda: now + timedelta(minutes=2))
    mails = [mail.read_text() for mail in services.settings.outbox_dir.glob("n.*.eml")]
    assert sum("unusually many bounces" in mail for mail in mails) == 1


async def test_a_run_tells_all_that_is_wrong_in_one_message_and_the_next_says_nothing(
    installation: Installation,
) -> None:
    settings = installation.services.settings.model_copy(
        update={"admin_address": "admin@example.com", "huggingface_url": "http://127.0.0.1:9"}
    )
    services = Services(settings, installation.services.store)
    with services.store.begin() as tx:
        tx.meta.pause("Restored from a backup.")
    with respx.mock(assert_all_called=False) as http:
        http.get(host="127.0.0.1", port=9).mock(return_value=httpx.Response(404))
        http.route(host="127.0.0.1").pass_through()
        for minutes in (0, 1):
            await run.run(services, lambda: THURSDAY + timedelta(minutes=minutes))  # noqa: B023  called at once
    with services.store.begin(write=False) as tx:
        (alert,) = tx.deliveries.list_by_state(DeliveryState.QUEUED)
        runs = tx.runs.list_latest()
    problems: Any = alert.payload["problems"]
    assert [problem["title"] for problem in problems] == [
        "No digest is being sent",
        "huggingface could not be read",
    ]
    message = services.message_builder.build(alert)
    assert message
    assert b"Subject: No digest is being sent, and another problem" in message.raw
    assert [bool(each.facts["fetched"]) for each in runs] == [True]  # the second did nothing
