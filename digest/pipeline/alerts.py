"""Alerts to the operator: one message about all that is wrong, when something new, changed or lasting is."""

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from pydantic import BaseModel, TypeAdapter, ValidationError

from digest.db import Database, Transaction
from digest.db.deliveries.bounce_policy import AlikeAnswer
from digest.delivery.channels.admin_channel import AdminChannel
from digest.delivery.reply_codes import Action
from digest.mail.renderer import Alert
from digest.models import BounceKind, DeliveryKind, DeliveryState, FetchResult, Health, NewDelivery

log = logging.getLogger(__name__)

ONE_DAY = timedelta(days=1)
ALERT_TTL = timedelta(hours=24)
REPEAT_AFTER = timedelta(hours=24)  # a problem that lasts is told again
FORGET_AFTER = timedelta(hours=24)  # a problem that was not seen for so long is over
TOLD_KEY = "alerts"  # meta key: the problems of the last day, and what was told of them
CHANNEL_ALERT_KEY = "channel_alert"  # meta key: the alert that waits for the operator's channel
ENDS = frozenset({Action.ACCEPT, Action.UNCERTAIN, Action.REJECT})  # after these it is not sent again
_NUMBERS = re.compile(r"\d+(?:[.,:]\d+)*")
UNUSABLE = frozenset({Health.FAILED, Health.CHANGED})
HANDED_OVER = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.UNCERTAIN)
BOUNCED = (BounceKind.HARD, BounceKind.UNSURE)
ALERT_THRESHOLDS = {  # at least so many in a day, and more than this share of the messages: not chance
    "bounces": (10, 0.05),
    "complaints": (3, 0.003),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(Alert):
    """A problem in sentences, and what to do about it."""

    kind: str  # problems of one kind are one problem, of which the facts change


def find_source_problems(results: Iterable[FetchResult]) -> Iterator[Problem]:
    """Yield one problem for all sources none of whose scopes gave a usable answer."""
    by_source: dict[str, list[FetchResult]] = {}
    for result in results:
        by_source.setdefault(result.source, []).append(result)
    failed = {
        name: of_source
        for name, of_source in by_source.items()
        if all(result.health in UNUSABLE for result in of_source)
    }
    if failed:
        is_all = len(failed) == len(by_source) > 1
        yield Problem(
            kind=f"source/{'+'.join(failed)}",
            title="No source could be read" if is_all else f"{', '.join(failed)} could not be read",
            facts=list(_list_failures(failed)),
            advice="The next run tries again, and nothing is lost. If it lasts, see: digest status",
        )


def _list_failures(failed: Mapping[str, Sequence[FetchResult]]) -> Iterator[str]:
    """Yield a sentence for each different error of each source."""
    for name, results in failed.items():
        scopes: dict[str, list[str]] = {}
        for result in results:
            scopes.setdefault(result.note, []).append(result.scope)
        for note, of_note in scopes.items():
            where = f" ({', '.join(filter(None, of_note))})" if any(of_note) and len(scopes) > 1 else ""
            yield f"{name}{where}: {note}"


def build_stop_problem(reason: str) -> Problem:
    """Return the problem that nothing is sent until a person has looked."""
    return Problem(
        kind="stopped",
        title="No digest is being sent",
        facts=[reason],
        advice="See what is wrong: digest status. Then release the edition (digest release DAY) or resume "
        "sending (digest db resume).",
    )


def build_delivery_problem(facts: Sequence[str]) -> Problem:
    """Return the problem that the mail server cannot be used, or that receivers refuse our mail."""
    return Problem(
        kind="delivery", title="Email cannot be sent properly", facts=facts, advice="See: digest doctor"
    )


def find_bounce_problems(
    finished: Mapping[DeliveryState, int], bounces: Mapping[BounceKind, int]
) -> list[Problem]:
    """Return a problem when a day's bounces or complaints exceed `ALERT_THRESHOLDS`."""
    handed_over = sum(finished.get(state, 0) for state in HANDED_OVER)
    counts = {
        "bounces": sum(bounces.get(kind, 0) for kind in BOUNCED),
        "complaints": bounces.get(BounceKind.COMPLAINT, 0),
    }
    return [
        Problem(
            kind=name,
            title=f"There are unusually many {name}",
            facts=[f"{count} {name} in 24 hours, out of {handed_over} emails handed over."],
            advice="These addresses get no more email. Was a list imported recently? See "
            "docs/deliverability.md",
        )
        for name, count in counts.items()
        if count >= ALERT_THRESHOLDS[name][0] and count > ALERT_THRESHOLDS[name][1] * handed_over
    ]


def find_judgement_problems(
    alike: Sequence[AlikeAnswer], held: int, faults: Mapping[str, int]
) -> Iterator[Problem]:
    """Yield a problem for refusals that are about us rather than about readers.

    *alike* are unexplained refusals that several readers got, *held* how many suppressions were held back,
    *faults* how many reports blamed us, by reason.
    """
    if alike:
        yield Problem(
            kind="alike",
            title="Emails to many readers are refused with the same reply",
            facts=[f"{each.readers} readers of {each.domains} domains: {each.reply}" for each in alike],
            advice="No reader is suppressed for this: our server may be the cause. See: digest doctor",
        )
    if held:
        yield Problem(
            kind="held",
            title="Unusually many addresses would have been suppressed",
            facts=[f"{held} more stay subscribed, because too many were suppressed for bounces in 24 hours."],
            advice="See why: digest subscribers restore --since MOMENT --dry-run. Without --dry-run "
            "it undoes wrong suppressions. If they are right, the others follow at their next bounce.",
        )
    if faults:
        yield Problem(
            kind="reports",
            title="Bounces blame our server, not the addresses",
            facts=[f"{count} emails: {reason}" for reason, count in sorted(faults.items())],
            advice="The readers stay subscribed. See: digest doctor, and docs/deliverability.md",
        )


def find_delivery_problems(tx: Transaction, now: datetime) -> list[Problem]:
    """Return what the bounces, complaints and refusals of the last day say."""
    since = now - ONE_DAY
    return [
        *find_bounce_problems(tx.deliveries.count_finished(since), tx.deliveries.count_bounces(since)),
        *find_judgement_problems(
            tx.deliveries.list_alike_answers(since, now),
            tx.deliveries.count_held(since),
            tx.deliveries.count_reported_faults(since),
        ),
    ]


class WaitingAlert(BaseModel):
    """An alert in plain text that waits for the operator's channel."""

    title: str
    text: str
    at: datetime


def queue_alerts(
    tx: Transaction, to: str, problems: Sequence[Problem], *, now: datetime, has_channel: bool = False
) -> bool:
    """Queue one message about all *problems*, if any of them is new, changed, or has lasted for another day.

    Return whether it was queued: as a mail to *to* unless that is empty, and for the operator's channel if
    there is one. A problem that was not seen for a day is over; until then it may come and go without being
    told anew.
    """
    told = _read_told(tx)
    kept = {kind: each for kind, each in told.items() if now - each.seen_at < FORGET_AFTER}
    current = {problem.kind: _see(kept.get(problem.kind), problem, now) for problem in problems}
    is_due = bool(to or has_channel) and any(each.should_tell(now) for each in current.values())
    if is_due:
        current = {kind: replace(each, told=each.fingerprint, told_at=now) for kind, each in current.items()}
        aged = [_add_age(problem, current[problem.kind], now) for problem in problems]
        if to:
            _enqueue(tx, to, aged, now)
        if has_channel:
            tx.meta.write(CHANNEL_ALERT_KEY, _format_for_channel(aged, now).model_dump_json())
    if kept | current != told:
        tx.meta.write(TOLD_KEY, _TOLD.dump_json(kept | current).decode())
    return is_due


async def send_channel_alert(store: Database, channel: AdminChannel | None, now: datetime) -> bool:
    """Send the alert that waits for the operator's channel, if one does; return whether it was accepted.

    What cannot be sent now is tried again in the next run, for a day. A newer alert takes its place: it tells
    of all that is wrong.
    """
    with store.begin(write=False) as tx:
        waiting = tx.meta.read(CHANNEL_ALERT_KEY)
    if not waiting or channel is None:
        return False
    alert = WaitingAlert.model_validate_json(waiting)
    reply = await channel.send(alert.title, alert.text)
    if reply.action is not Action.ACCEPT:
        log.warning("alert not sent to the channel", extra={"reason": reply.reason})
    if reply.action in ENDS or now - alert.at >= ALERT_TTL:
        with store.begin() as tx:
            if tx.meta.read(CHANNEL_ALERT_KEY) == waiting:
                tx.meta.delete(CHANNEL_ALERT_KEY)
    return reply.action is Action.ACCEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What is known of a problem: when it was seen first and last, and what was told of it."""

    since: datetime
    seen_at: datetime
    fingerprint: str
    told: str = ""  # the fingerprint of what was told
    told_at: datetime | None = None

    def should_tell(self, now: datetime) -> bool:
        """Return whether it is new, changed, or lasts."""
        return self.told_at is None or self.told != self.fingerprint or now - self.told_at >= REPEAT_AFTER


_TOLD = TypeAdapter(dict[str, _Told])


def _see(known: _Told | None, problem: Problem, now: datetime) -> _Told:
    """Return what is known of a problem once it is seen again. Numbers in it may change without a change."""
    fingerprint = _NUMBERS.sub("#", " ".join((problem.title, *problem.facts)))
    known = known or _Told(since=now, seen_at=now, fingerprint=fingerprint)
    return replace(known, seen_at=now, fingerprint=fingerprint)


def _add_age(problem: Problem, known: _Told, now: datetime) -> Problem:
    if now - known.since < REPEAT_AFTER:
        return problem
    return replace(problem, facts=[*problem.facts, f"It began on {known.since:%d %B, %H:%M} UTC."])


def _enqueue(tx: Transaction, to: str, problems: Sequence[Problem], now: datetime) -> None:
    content = [{"title": each.title, "facts": list(each.facts), "advice": each.advice} for each in problems]
    name = blake2b(json.dumps(content).encode(), digest_size=6).hexdigest()
    delivery = NewDelivery(
        kind=DeliveryKind.ADMIN,
        key=f"alert/{now:%Y-%m-%dT%H:%M}/{name}",
        subscriber_id=None,
        address=to,
        slot=now,
        not_before=now,
        not_after=now + ALERT_TTL,
        payload={"problems": content},
    )
    tx.deliveries.enqueue([delivery], now=now)


def _format_for_channel(problems: Sequence[Problem], now: datetime) -> WaitingAlert:
    title = problems[0].title if len(problems) == 1 else f"{len(problems)} problems"
    parts = ["\n".join((each.title, *each.facts, f"What to do: {each.advice}")) for each in problems]
    return WaitingAlert(title=title, text="\n\n".join(parts), at=now)


def _read_told(tx: Transaction) -> dict[str, _Told]:
    try:
        return _TOLD.validate_json(tx.meta.read(TOLD_KEY) or "{}")
    except ValidationError:
        return {}  # of another version: everything counts as new
