"""Has a paper broken out since a reader got it? Then it may come once more, and says so."""

from collections.abc import Mapping
from dataclasses import replace
from heapq import nlargest

from digest.model import Heat, Sent

TIMES, MORE_VOTES, LEADERS = 2, 30, 5


def broken_out(heat: Mapping[str, Heat], sent: Mapping[str, Sent]) -> dict[str, Heat]:
    """The papers of the last seven days that may be sent again, with the count they had when sent.

    Never sent twice before, on course for at least twice as much as then, 30 votes more, and now among
    the five hottest. About one a week.
    """
    grown = [name for name, then in sent.items() if name in heat and _has_grown(heat[name], then)]
    if not grown:
        return {}
    leaders = set(nlargest(LEADERS, heat, key=lambda name: (_place(heat[name]), name)))
    return {
        name: replace(heat[name], broke_out_from=sent[name].votes or 0.0, broke_out_on=sent[name].day)
        for name in grown
        if name in leaders
    }


def _has_grown(now: Heat, then: Sent) -> bool:
    return (
        not then.resent
        and then.expected > 0  # else nothing is known of how hot it was
        and now.votes is not None
        and now.expected >= TIMES * then.expected
        and now.votes - (then.votes or 0.0) >= MORE_VOTES
    )


def _place(heat: Heat) -> float:
    return heat.value if heat.order is None else heat.order
