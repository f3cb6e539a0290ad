"""Alerts to the operator: at most one message per kind of problem and UTC day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.db import Transaction
from digest.db.deliveries.bounce_policy import AlikeAnswer
from digest.models import BounceKind, DeliveryKind, DeliveryState, FetchResult, Health, NewDelivery

ALERT_TTL = timedelta(hours=24)
UNUSABLE = frozenset({Health.FAILED, Health.CHANGED})
HANDED_OVER = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.UNCERTAIN)
BOUNCED = (BounceKind.HARD, BounceKind.UNSURE)
ALERT_THRESHOLDS = {  # at least so many in a day, and more than this share of the messages: not chance
    "bounces": (10, 0.05),
    "complaints": (3, 0.003),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem in sentences, and what to do about it."""

    kind: str  # one message a day for each kind
    title: str
    facts: Sequence[str]
    advice: str


def find_source_problems(results: Iterable[FetchResult]) -> list[Problem]:
    """Return one problem for all sources none of whose scopes gave a usable answer."""
    by_source: dict[str, list[FetchResult]] = {}
    for result in results:
        by_source.setdefault(result.source, []).append(result)
    failed = {
        name: of_source
        for name, of_source in by_source.items()
        if all(result.health in UNUSABLE for result in of_source)
    }
    if not failed:
        return []
    names = "No source" if len(failed) == len(by_source) > 1 else ", ".join(failed)
    return [
        Problem(
            kind=f"source/{'+'.join(failed)}",
            title=f"{names} could be read" if names == "No source" else f"{names} could not be read",
            facts=list(_list_failures(failed)),
            advice="The next run tries again and nothing is lost. If this stays, see: digest status",
        )
    ]


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
        title="No digest goes out",
        facts=[reason],
        advice="Look at: digest status. Then let it go with: digest release DAY, or: digest db resume",
    )


def build_delivery_problem(facts: Sequence[str]) -> Problem:
    """Return the problem that the mail server cannot be used, or that receivers refuse our mail."""
    return Problem(
        kind="delivery", title="Mail is not going out as it should", facts=facts, advice="See: digest doctor"
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
            facts=[f"{count} {name} in 24 hours, in which {handed_over} mails were handed over."],
            advice="Those addresses get no more mail. Was a list imported? See docs/deliverability.md",
        )
        for name, count in counts.items()
        if count >= ALERT_THRESHOLDS[name][0] and count > ALERT_THRESHOLDS[name][1] * handed_over
    ]


def find_judgement_problems(
    alike: Sequence[AlikeAnswer], held: int, faults: Mapping[str, int]
) -> list[Problem]:
    """Return a problem for refusals that are about us rather than about readers.

    *alike* are unexplained refusals that several readers got, *held* how many suppressions were held back,
    *faults* how many reports blamed us, by reason.
    """
    problems = []
    if alike:
        problems.append(
            Problem(
                kind="alike",
                title="Many readers are refused in the same words",
                facts=[
                    f"{answer.readers} readers of {answer.domains} domains: {answer.reply}"
                    for answer in alike
                ],
                advice="This counts for none of them. It may be about our server; see: digest doctor",
            )
        )
    if held:
        problems.append(
            Problem(
                kind="held",
                title="Unusually many readers would have been taken off the list",
                facts=[f"{held} more are kept, as too many were taken off for bounces in 24 hours."],
                advice="See why: digest subscribers restore --since MOMENT --dry-run. Without --dry-run it "
                "takes wrong suppressions back. If they are right, the rest follow with their next bounces.",
            )
        )
    if faults:
        problems.append(
            Problem(
                kind="reports",
                title="Reports of failed deliveries speak of us, not of the readers",
                facts=[f"{count} mails: {reason}" for reason, count in sorted(faults.items())],
                advice="The readers are kept. See: digest doctor, and docs/deliverability.md",
            )
        )
    return problems


def queue_alert(tx: Transaction, to: str, problem: Problem, *, now: datetime) -> bool:
    """Queue a message about *problem*; return True if it is the first of its kind today.

    Does nothing if *to* is empty.
    """
    if not to:
        return False
    delivery = NewDelivery(
        kind=DeliveryKind.ADMIN,
        key=f"alert/{problem.kind}/{now:%Y-%m-%d}",
        subscriber_id=None,
        address=to,
        slot=now,
        not_before=now,
        not_after=now + ALERT_TTL,
        payload={"title": problem.title, "facts": list(problem.facts), "advice": problem.advice},
    )
    return tx.deliveries.enqueue([delivery], now=now) == 1
