"""The operator hears of trouble once a day for each kind, and of nothing else."""

from datetime import timedelta

import pytest

from digest.app.services import Services
from digest.db import Database
from digest.models import BounceKind, DeliveryKind, DeliveryState, FetchResult, Health, NewDelivery
from digest.pipeline import run
from digest.pipeline.alerts import (
    Trouble,
    alert,
    bounce_troubles,
    delivery_trouble,
    source_troubles,
    stop_trouble,
)
from tests.factories import NOW
from tests.pipeline.test_run import DUE, THURSDAY, World
from tests.pipeline.test_run import world as world  # noqa: PLC0414  a fixture is known by its name here

TROUBLE = Trouble(kind="delivery", title="Broken", facts=["It broke."], advice="Mend it.")


def _reading(source: str, health: Health, scope: str = "") -> FetchResult:
    return FetchResult(source=source, scope=scope, read_at=NOW, health=health, note="It did not answer.")


def test_a_trouble_is_told_once_a_day(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert alert(tx, "admin@example.com", TROUBLE, now=NOW)
        assert not alert(tx, "admin@example.com", TROUBLE, now=NOW + timedelta(hours=5))
        assert alert(tx, "admin@example.com", TROUBLE, now=NOW + timedelta(days=1))
        assert tx.deliveries.waiting()[DeliveryState.QUEUED] == 2


def test_nobody_is_told_when_nobody_is_named(store: Database) -> None:
    with store.begin() as tx:
        assert not alert(tx, "", TROUBLE, now=NOW)
        assert tx.deliveries.waiting()[DeliveryState.QUEUED] == 0


def test_a_source_is_trouble_only_when_none_of_its_scopes_answers() -> None:
    readings = [
        _reading("arxiv", Health.FAILED, "cs.CL"),
        _reading("arxiv", Health.OK, "cs.LG"),
        _reading("huggingface", Health.CHANGED),
        _reading("hackernews", Health.EMPTY),
    ]
    assert [trouble.kind for trouble in source_troubles(readings)] == ["source/huggingface"]


@pytest.mark.parametrize("trouble", [stop_trouble("It looked wrong."), delivery_trouble(["535"]), TROUBLE])
def test_every_trouble_says_what_to_do(trouble: Trouble) -> None:
    assert trouble.title
    assert trouble.facts
    assert trouble.advice


@pytest.mark.parametrize(
    ("handed", "heard", "kinds"),
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
def test_bounces_are_trouble_when_they_are_many_and_a_large_share(
    handed: int, heard: dict[BounceKind, int], kinds: list[str]
) -> None:
    troubles = bounce_troubles({DeliveryState.ACCEPTED: handed, DeliveryState.EXPIRED: 9999}, heard)
    assert [trouble.kind for trouble in troubles] == kinds


def test_what_was_heard_counts_each_mail_once_and_yesterday_not_at_all(any_store: Database) -> None:
    with any_store.begin() as tx:
        for name in "ab":
            mail = NewDelivery(
                kind=DeliveryKind.NOTICE, key=name, subscriber_id=None, address=f"{name}@example.com",
                slot=NOW, not_before=NOW, not_after=NOW + timedelta(hours=1), payload={},
            )  # fmt: skip
            tx.deliveries.plan([mail], now=NOW)
            kept = tx.deliveries.by_key(name)
            assert kept
            for number in range(2):
                at, told = NOW - timedelta(days=name == "b"), f"{name}{number}"
                tx.deliveries.report(
                    kept.pid, BounceKind.HARD, now=at, code="5.1.1", raw_hash=told, suppression_key=b"pepper"
                )
        assert tx.deliveries.heard(NOW - timedelta(hours=1)) == {BounceKind.HARD: 1}


async def test_the_operator_hears_once_when_a_days_mails_come_back(world: World) -> None:
    for number in range(12):
        world.subscribe(f"reader{number}@example.com")
    await world.day(THURSDAY)
    now = THURSDAY + DUE + timedelta(hours=1)
    with world.services.store.begin() as tx:
        for reader in tuple(tx.subscribers.after()):
            (mail,) = tx.deliveries.history(reader.id)
            tx.deliveries.report(
                mail.pid, BounceKind.HARD, now=now, code="5.1.1", raw_hash=mail.pid, suppression_key=b"pepper"
            )
    services = Services(
        world.services.settings.model_copy(update={"admin_address": "admin@example.com"}),
        world.services.store,
    )
    await run.run(services, lambda: now + timedelta(minutes=1))
    await run.run(services, lambda: now + timedelta(minutes=2))
    mails = [mail.read_text() for mail in services.settings.outbox_dir.glob("admin@example.com-*.eml")]
    assert sum("unusually many bounces" in mail for mail in mails) == 1
