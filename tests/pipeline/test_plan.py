"""Tests of planning: the first edition comes at once after confirming, and nothing of it again."""

from datetime import UTC, datetime, time, timedelta

import pytest

from digest import subscribers
from digest.db import Database
from digest.models import Delivery, DeliveryKind
from digest.models.votes import Vote
from digest.pipeline.edition_payload import get_paper_ids
from digest.pipeline.plan import PlanResult, plan_editions
from digest.subscribers import Actor
from tests.factories import NOW, make_paper, make_signal

ADA = "ada@example.com"


def confirm(store: Database, **changes: object) -> None:
    with store.begin() as tx:
        actor = Actor("reader", NOW, b"")
        subscribers.sign_up(tx, ADA, changes, actor=actor)
        subscribers.confirm(tx, tx.subscribers.get_by_address(ADA).public_id, actor=actor)


def add_paper(store: Database, title: str, *, hours_ago: float) -> str:
    paper = make_paper(title, first_seen=None)
    with store.begin() as tx:
        tx.papers.add([paper], seen_at=NOW - timedelta(hours=hours_ago))
        tx.signals.add([make_signal(paper, 50, hours_ago=hours_ago)])
    return paper.id


def list_digests(store: Database) -> list[Delivery]:
    with store.begin(write=False) as tx:
        reader = tx.subscribers.get_by_address(ADA)
        mails = tx.deliveries.list_by_subscriber(reader.id)
    return sorted((mail for mail in mails if mail.kind is DeliveryKind.DIGEST), key=lambda mail: mail.slot)


@pytest.mark.parametrize(
    ("send_at", "frequency"), [("05:00", "daily"), ("23:00", "daily"), ("07:00", "weekly")]
)
def test_the_first_edition_comes_at_once_and_is_the_one_of_its_day(
    any_store: Database, send_at: str, frequency: str
) -> None:
    old = add_paper(any_store, "Counting Sheep at Night", hours_ago=5 * 24)
    confirm(any_store, send_at=send_at, frequency=frequency, weekday=(NOW.weekday() + 2) % 7)

    moment = NOW + timedelta(seconds=50)
    assert plan_editions(any_store, moment, spread_over=timedelta(hours=2)).planned == 1
    (first,) = list_digests(any_store)
    assert (first.day, first.slot, first.not_before) == (NOW.date(), NOW, NOW)
    assert get_paper_ids(first.payload) == [old]

    # Nothing more that day, whenever its slot is; afterwards as usual, and no paper twice.
    new = add_paper(any_store, "Teapots", hours_ago=-12)
    assert plan_editions(any_store, NOW + timedelta(hours=11)) == PlanResult()
    at = time.fromisoformat(send_at)
    for day in range(8):
        plan_editions(any_store, datetime.combine(NOW, at, UTC) + timedelta(days=day, minutes=1))
    _, second = list_digests(any_store)
    assert get_paper_ids(second.payload) == [new]
    expected = timedelta(days=2 if frequency == "weekly" else 1)
    assert second.slot.date() - NOW.date() == expected


@pytest.mark.parametrize("reason", ["", "topic", "quality", "seen"])
def test_a_paper_that_the_reader_wants_less_of_is_not_sent(any_store: Database, reason: str) -> None:
    unwanted, other = (add_paper(any_store, title, hours_ago=3) for title in ("Wool", "Teapots"))
    confirm(any_store)
    with any_store.begin() as tx:
        reader = tx.subscribers.get_by_address(ADA)
        vote = Vote(at=NOW, paper_id=unwanted, verdict="less", reason=reason)
        tx.votes.replace(reader.id, tx.papers.get_by_ids([unwanted])[unwanted], vote)

    assert plan_editions(any_store, NOW + timedelta(seconds=50)).planned == 1
    assert get_paper_ids(list_digests(any_store)[0].payload) == [other]


def test_a_first_edition_that_could_not_be_planned_for_half_a_day_gives_way_to_the_slots(
    any_store: Database,
) -> None:
    add_paper(any_store, "Counting Sheep", hours_ago=3)
    confirm(any_store, send_at="07:00")

    late = NOW.replace(hour=7, minute=1) + timedelta(days=1)
    assert plan_editions(any_store, late).planned == 1
    assert list_digests(any_store)[0].slot == late.replace(minute=0)


def test_a_reader_who_pauses_before_confirming_gets_nothing_until_then(any_store: Database) -> None:
    add_paper(any_store, "Counting Sheep", hours_ago=3)
    confirm(any_store, paused_until=NOW.date() + timedelta(days=3))
    assert plan_editions(any_store, NOW + timedelta(minutes=1)) == PlanResult()


@pytest.mark.parametrize("send_at", ["00:00", "07:00", "23:30"])
def test_due_now_sends_once_a_day_at_every_hour(any_store: Database, send_at: str) -> None:
    with any_store.begin() as tx:
        actor = Actor("operator", NOW, b"")
        subscribers.add_subscriber(tx, ADA, {"send_at": send_at}, has_consented=True, actor=actor)
    for hour in range(24):
        moment = datetime.combine(NOW.date(), time(hour, 17), UTC) + timedelta(days=hour + 1)
        hours = (moment - NOW) / timedelta(hours=1)
        add_paper(any_store, f"Sheep of the Hour {hour}", hours_ago=0.2 - hours)

        plan_editions(any_store, moment, due_now=True)

        digests = list_digests(any_store)
        assert len(digests) == hour + 1
        assert digests[-1].day == moment.date()
        assert digests[-1].not_before <= moment < digests[-1].not_after
        plan_editions(any_store, moment + timedelta(minutes=40), due_now=True)
        assert len(list_digests(any_store)) == hour + 1


def test_due_now_respects_pauses_and_weekdays(any_store: Database) -> None:
    add_paper(any_store, "Counting Sheep", hours_ago=3)
    with any_store.begin() as tx:
        actor = Actor("operator", NOW, b"")
        paused = {"paused_until": str(NOW.date() + timedelta(days=2))}
        weekly = {"frequency": "weekly", "weekday": (NOW.weekday() + 2) % 7}
        for address, changes in (("bo@example.com", paused), ("cy@example.com", weekly)):
            subscribers.add_subscriber(tx, address, changes, has_consented=True, actor=actor)
    assert plan_editions(any_store, NOW + timedelta(hours=1), due_now=True).planned == 0
