"""What becomes of a mail after a try? From delivery, outcome and verdict to the settlement in the ledger."""

from dataclasses import replace
from datetime import datetime, timedelta

from digest.delivery.message import SendResult
from digest.delivery.reply_codes import Action, ReplyAction
from digest.models import AttemptResult, Delivery, DeliveryState, ThrottleAction
from digest.models.backoff import COOLING, retry_after

SOON = timedelta(seconds=10)
IN_DOUBT = timedelta(minutes=1)
MOST_MISPRINTS = 3


def settle(  # noqa: PLR0913  a pure function of everything that is known
    delivery: Delivery,
    outcome: SendResult,
    verdict: ReplyAction,
    *,
    now: datetime,
    route: str,
    resend: bool,
    brake: ThrottleAction | None = None,
) -> AttemptResult:
    """The settlement of one try. `resend`: whether a mail in doubt goes out a second time."""
    told = AttemptResult(
        delivery=delivery,
        state=DeliveryState.QUEUED,
        at=now,
        code=outcome.code,
        enhanced=outcome.enhanced,
        text=f"{verdict.why}: {outcome.text}" if outcome.text else verdict.why,
        route=route,
        bounce=verdict.bounce,
        brake=brake,
    )
    in_doubt = verdict.action is Action.UNCERTAIN
    if verdict.action is Action.ACCEPT:
        return replace(told, state=DeliveryState.ACCEPTED, text=outcome.text, remote_id=outcome.remote_id)
    if verdict.action is Action.REJECT:
        return replace(told, state=DeliveryState.REJECTED)
    if in_doubt and (delivery.uncertain or not resend):
        return replace(told, state=DeliveryState.UNCERTAIN)
    pauses = {
        Action.RETRY: retry_after(delivery.attempt + 1),
        Action.UNCERTAIN: IN_DOUBT,
        Action.REQUEUE: COOLING if brake is ThrottleAction.SLOW else SOON,
    }
    again = now + pauses[verdict.action]
    return replace(told, not_before=again, doubtful=in_doubt, spends=verdict.action is Action.RETRY)


def render_failed(delivery: Delivery, error: Exception, *, now: datetime) -> AttemptResult:
    """It could not be written: twice it is tried again, then it is set aside so that it harms nobody."""
    failures = delivery.render_failures + 1
    poison = failures >= MOST_MISPRINTS
    return AttemptResult(
        delivery=delivery,
        state=DeliveryState.REJECTED if poison else DeliveryState.QUEUED,
        at=now,
        not_before=now + retry_after(failures),
        render_failed=True,
        text=f"{'poison' if poison else 'not rendered'}: {type(error).__name__}: {error}",
    )


def withdrawn(delivery: Delivery, *, now: datetime) -> AttemptResult:
    """There is nothing to say any more."""
    return AttemptResult(delivery=delivery, state=DeliveryState.CANCELLED, at=now, text="nothing to send")


def given_back(delivery: Delivery, *, now: datetime) -> AttemptResult:
    """Nobody could take it: back to the queue, unspent."""
    return AttemptResult(delivery=delivery, state=DeliveryState.QUEUED, at=now, text="no line was open")
