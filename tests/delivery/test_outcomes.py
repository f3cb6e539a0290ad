"""What is stored after an attempt: its state, when the next one is, and what it uses up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.delivery.message import SendResult, SmtpStage
from digest.delivery.outcomes import build_attempt_result, build_render_failure
from digest.delivery.reply_codes import Action, ReplyAction
from digest.models import AttemptResult, Delivery, DeliveryKind, DeliveryState, ThrottleAction
from tests.factories import NOW

DELIVERY = Delivery(
    id=1,
    public_id="abcdefgh",
    kind=DeliveryKind.DIGEST,
    key="digest/2026-11-23/1",
    subscriber_id=1,
    address="ada@example.com",
    state=DeliveryState.SENDING,
    payload={},
    slot=NOW,
    not_before=NOW,
    not_after=NOW + timedelta(hours=20),
)
QUEUED, UNCERTAIN = DeliveryState.QUEUED, DeliveryState.UNCERTAIN


def build(
    action: Action,
    delivery: Delivery = DELIVERY,
    *,
    resend: bool = True,
    throttle: ThrottleAction | None = None,
) -> AttemptResult:
    return build_attempt_result(
        delivery,
        SendResult(SmtpStage.DOT, 250, "2.0.0 queued as F00D"),
        ReplyAction(action, "because"),
        now=NOW,
        route="relay",
        resend=resend,
        throttle=throttle,
    )


@pytest.mark.parametrize(
    ("result", "minutes"),
    [
        (build(Action.RETRY), 5),
        (build(Action.RETRY, replace(DELIVERY, attempt=1)), 15),
        (build(Action.RETRY, replace(DELIVERY, attempt=5)), 240),
        (build(Action.RETRY, replace(DELIVERY, attempt=9)), 240),
        (build(Action.RETRY, throttle=ThrottleAction.SLOW), 5),
        (build(Action.UNCERTAIN), 1),
        (build(Action.REQUEUE), 1 / 6),
        (build(Action.REQUEUE, throttle=ThrottleAction.SLOW), 1),
        (build_render_failure(DELIVERY, ValueError(), now=NOW), 5),
        (build_render_failure(replace(DELIVERY, render_failures=1), ValueError(), now=NOW), 15),
    ],
)
def test_the_next_attempt_waits_for_as_long_as_the_answer_asks(result: AttemptResult, minutes: float) -> None:
    assert (result.state, result.not_before) == (QUEUED, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("action", [Action.ACCEPT, Action.REJECT])
def test_a_definite_answer_is_final(action: Action) -> None:
    result = build(action, throttle=ThrottleAction.STOP)
    assert (result.state, result.not_before) == (
        DeliveryState.ACCEPTED if action is Action.ACCEPT else DeliveryState.REJECTED,
        None,
    )
    assert bool(result.remote_id) is (action is Action.ACCEPT)


@pytest.mark.parametrize("action", list(Action))
def test_only_a_retry_uses_an_attempt(action: Action) -> None:
    assert build(action).uses_attempt is (action is Action.RETRY)


@pytest.mark.parametrize(
    ("uncertain", "resend", "expected"),
    [(0, True, (QUEUED, True)), (0, False, (UNCERTAIN, False)), (1, True, (UNCERTAIN, False))],
)
def test_what_may_have_been_accepted_is_sent_once_more_if_that_is_wanted(
    uncertain: int, expected: tuple[DeliveryState, bool], *, resend: bool
) -> None:
    result = build(Action.UNCERTAIN, replace(DELIVERY, uncertain=uncertain), resend=resend)
    assert (result.state, result.is_uncertain) == expected
