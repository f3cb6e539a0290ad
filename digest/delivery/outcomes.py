"""Builders of the attempt result that is stored after a delivery attempt."""

from datetime import datetime, timedelta

from digest.delivery.message import SendResult
from digest.delivery.reply_codes import Action, ReplyAction
from digest.models import AttemptResult, Delivery, DeliveryState, ThrottleAction
from digest.models.backoff import SLOW_DOWN_PAUSE, get_retry_delay

REQUEUE_DELAY = timedelta(seconds=10)
UNCERTAIN_DELAY = timedelta(minutes=1)
MAX_RENDER_FAILURES = 3
_STATES = {Action.ACCEPT: DeliveryState.ACCEPTED, Action.REJECT: DeliveryState.REJECTED}


def build_attempt_result(  # noqa: PLR0913  a pure function of everything that is known
    delivery: Delivery,
    result: SendResult,
    reply_action: ReplyAction,
    *,
    now: datetime,
    route: str,
    resend: bool,
    throttle: ThrottleAction | None = None,
) -> AttemptResult:
    """Return what is stored after a send. `resend`: send once more what may have been accepted."""
    action, text = reply_action.action, result.text
    state = _STATES.get(action, DeliveryState.QUEUED)
    if action is Action.UNCERTAIN and (delivery.uncertain or not resend):
        state = DeliveryState.UNCERTAIN
    not_before = None
    if state is DeliveryState.QUEUED:
        not_before = now + _get_delay(action, delivery, throttle)
    if state is not DeliveryState.ACCEPTED:
        text = f"{reply_action.reason}: {text}" if text else reply_action.reason
    return AttemptResult(
        delivery=delivery,
        state=state,
        at=now,
        not_before=not_before,
        uses_attempt=action is Action.RETRY,
        is_uncertain=action is Action.UNCERTAIN and state is DeliveryState.QUEUED,
        code=result.code,
        enhanced=result.enhanced,
        text=text,
        remote_id=result.remote_id if state is DeliveryState.ACCEPTED else "",
        route=route,
        bounce=reply_action.bounce,
        reason=reply_action.reason,
        throttle=throttle,
    )


def _get_delay(action: Action, delivery: Delivery, throttle: ThrottleAction | None) -> timedelta:
    if action is Action.RETRY:
        return get_retry_delay(delivery.attempt + 1)
    if action is Action.UNCERTAIN:
        return UNCERTAIN_DELAY
    return SLOW_DOWN_PAUSE if throttle is ThrottleAction.SLOW else REQUEUE_DELAY


def build_render_failure(delivery: Delivery, error: Exception, *, now: datetime) -> AttemptResult:
    """Return the result of a failed rendering: queued again twice, then rejected to block nothing."""
    failures = delivery.render_failures + 1
    is_final = failures >= MAX_RENDER_FAILURES
    return AttemptResult(
        delivery=delivery,
        state=DeliveryState.REJECTED if is_final else DeliveryState.QUEUED,
        at=now,
        not_before=now + get_retry_delay(failures),
        render_failed=True,
        text=f"{'poison' if is_final else 'not rendered'}: {type(error).__name__}: {error}",
    )


def build_cancellation(delivery: Delivery, *, now: datetime) -> AttemptResult:
    """Return the result of a delivery that has nothing left to send."""
    return AttemptResult(delivery=delivery, state=DeliveryState.CANCELLED, at=now, text="nothing to send")


def build_requeue(delivery: Delivery, *, now: datetime) -> AttemptResult:
    """Return the result of a delivery that no connection could take: queued again, no attempt used."""
    return AttemptResult(delivery=delivery, state=DeliveryState.QUEUED, at=now, text="no connection")
