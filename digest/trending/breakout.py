"""Has a paper broken out since a reader got it? Then it may come once more, and says so."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from heapq import nlargest

from digest.models import Heat, Sent

TIMES, MORE_VOTES, LEADERS = 2, 30, 5
PAUSE = timedelta(days=7)  # between two that come again


def broken_out(heat: Mapping[str, Heat], sent: Mapping[str, Sent]) -> dict[str, Heat]:
    """As `Breakouts.of`, for one reader."""
    return Breakouts(heat).of(sent)


class Breakouts:
    """How hot the papers of a day are, ready to be held against what any number of readers were sent."""

    def __init__(self, heat: Mapping[str, Heat]) -> None:
        leaders = nlargest(LEADERS, heat, key=lambda name: (_place(heat[name]), name))
        self._leaders = {name: heat[name] for name in leaders}

    def of(self, sent: Mapping[str, Sent]) -> dict[str, Heat]:
        """The paper of the last seven days that may be sent again, with the count it had when sent.

        Never sent twice before, on course for at least twice as much as then, 30 votes more, and now among
        the five hottest; of several the hottest, and none within a week of the last one.
        """
        for name, now in self._leaders.items():
            then = sent.get(name)
            if then and _has_grown(now, then):
                again = replace(now, broke_out_from=then.votes, broke_out_on=then.day)
                return {} if _came_lately(sent) else {name: again}
        return {}


def _came_lately(sent: Mapping[str, Sent]) -> bool:
    """Whether one of the last week's papers was there for a second time."""
    last = max(then.day for then in sent.values())
    return any(then.resent and last - then.day < PAUSE for then in sent.values())


def _has_grown(now: Heat, then: Sent) -> bool:
    return (
        not then.resent
        and now.votes is not None
        and then.votes is not None
        and then.votes > 0  # else it was sent before anybody voted: it began, it did not break out
        and then.expected > 0
        and now.expected >= TIMES * then.expected
        and now.votes - then.votes >= MORE_VOTES
    )


def _place(heat: Heat) -> float:
    return heat.value if heat.order is None else heat.order
