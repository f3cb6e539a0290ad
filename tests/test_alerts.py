"""The operator hears of trouble once a day for each kind, and of nothing else."""

from datetime import timedelta

import pytest

from digest.alerts import Trouble, alert, delivery_trouble, source_troubles, stop_trouble
from digest.model import DeliveryState, Health, Reading
from digest.store import Store
from tests.house import NOW

TROUBLE = Trouble(kind="delivery", title="Broken", facts=["It broke."], advice="Mend it.")


def _reading(source: str, health: Health, scope: str = "") -> Reading:
    return Reading(source=source, scope=scope, read_at=NOW, health=health, note="It did not answer.")


def test_a_trouble_is_told_once_a_day(any_store: Store) -> None:
    with any_store.begin() as tx:
        assert alert(tx, "admin@example.com", TROUBLE, now=NOW)
        assert not alert(tx, "admin@example.com", TROUBLE, now=NOW + timedelta(hours=5))
        assert alert(tx, "admin@example.com", TROUBLE, now=NOW + timedelta(days=1))
        assert tx.deliveries.waiting()[DeliveryState.QUEUED] == 2


def test_nobody_is_told_when_nobody_is_named(store: Store) -> None:
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
