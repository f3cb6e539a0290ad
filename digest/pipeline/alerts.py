"""What must the operator hear about? One mail for each kind of trouble and day, never a flood."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from digest.db import Transaction
from digest.models import BounceKind, DeliveryKind, DeliveryState, FetchResult, Health, NewDelivery

LASTS = timedelta(hours=24)
BAD = frozenset({Health.FAILED, Health.CHANGED})
HANDED_OVER = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.UNCERTAIN)
GONE = (BounceKind.HARD, BounceKind.UNSURE)
LAW = {  # at least so many in a day, and more than this share of the mails, is not chance
    "bounces": (10, 0.05),
    "complaints": (3, 0.003),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that broke, in sentences, and what to do about it."""

    kind: str  # one mail a day for each kind
    title: str
    facts: Sequence[str]
    advice: str


def source_troubles(readings: Iterable[FetchResult]) -> list[Trouble]:
    """A trouble for each source that gave no usable answer at all."""
    by_source: dict[str, list[FetchResult]] = {}
    for reading in readings:
        by_source.setdefault(reading.source, []).append(reading)
    return [
        Trouble(
            kind=f"source/{name}",
            title=f"{name} could not be read",
            facts=[f"{reading.scope or name}: {reading.note}" for reading in given],
            advice="The next run tries again and nothing is lost. If this stays, see: digest status",
        )
        for name, given in by_source.items()
        if all(reading.health in BAD for reading in given)
    ]


def stop_trouble(reason: str) -> Trouble:
    """Nothing goes out until a person has looked."""
    return Trouble(
        kind="stopped",
        title="No digest goes out",
        facts=[reason],
        advice="Look at: digest status. Then let it go with: digest release DAY, or: digest db resume",
    )


def delivery_trouble(facts: Sequence[str]) -> Trouble:
    """The way out is broken, or receivers refuse our mail."""
    return Trouble(
        kind="delivery", title="Mail is not going out as it should", facts=facts, advice="See: digest doctor"
    )


def bounce_troubles(ended: Mapping[DeliveryState, int], heard: Mapping[BounceKind, int]) -> list[Trouble]:
    """A trouble when a day's bounces or complaints are more than providers bear."""
    handed = sum(ended.get(state, 0) for state in HANDED_OVER)
    counts = {
        "bounces": sum(heard.get(kind, 0) for kind in GONE),
        "complaints": heard.get(BounceKind.COMPLAINT, 0),
    }
    return [
        Trouble(
            kind=name,
            title=f"There are unusually many {name}",
            facts=[f"{number} {name} in 24 hours, in which {handed} mails were handed over."],
            advice="Those addresses get no more mail. Was a list imported? See docs/deliverability.md",
        )
        for name, number in counts.items()
        if number >= LAW[name][0] and number > LAW[name][1] * handed
    ]


def alert(tx: Transaction, to: str, trouble: Trouble, *, now: datetime) -> bool:
    """Queue a word to the operator, if there is an address; True when it is the day's first of its kind."""
    if not to:
        return False
    told = NewDelivery(
        kind=DeliveryKind.ADMIN,
        key=f"alert/{trouble.kind}/{now:%Y-%m-%d}",
        subscriber_id=None,
        address=to,
        slot=now,
        not_before=now,
        not_after=now + LASTS,
        payload={"title": trouble.title, "facts": list(trouble.facts), "advice": trouble.advice},
    )
    return tx.deliveries.plan([told], now=now) == 1
