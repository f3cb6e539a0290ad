"""Breakouts: papers that grew so much since a reader got them that they may be sent once more."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from heapq import nlargest

from digest.models import Heat, Sent

MIN_GROWTH_FACTOR = 2  # of the forecast since the paper was sent
MIN_NEW_VOTES = 30
MAX_LEADERS = 5  # only the first papers of the trending list can be sent again
MIN_RESEND_INTERVAL = timedelta(days=7)  # between two papers sent again to one reader


class BreakoutFinder:
    """The hottest papers of a day, to be compared with what any number of readers were sent."""

    def __init__(self, heat: Mapping[str, Heat]) -> None:
        leaders = nlargest(MAX_LEADERS, heat, key=lambda paper_id: (_get_order(heat[paper_id]), paper_id))
        self._leaders = {paper_id: heat[paper_id] for paper_id in leaders}

    def find(self, sent: Mapping[str, Sent], today: date) -> dict[str, Heat]:
        """Return the paper that may be sent again, if any, with heat that names the votes it had when sent.

        It was sent once, its forecast has doubled, it has 30 votes more and is among the five hottest now.
        Of several the hottest; none within a week of the last one. *sent* is what the reader got lately,
        *today* their present day.
        """
        for paper_id, now in self._leaders.items():
            then = sent.get(paper_id)
            if then and _has_grown(now, then):
                again = replace(now, broke_out_from=then.votes, broke_out_on=then.day)
                return {} if _was_resent_lately(sent, today) else {paper_id: again}
        return {}


def _was_resent_lately(sent: Mapping[str, Sent], today: date) -> bool:
    return any(then.resent and today - then.day < MIN_RESEND_INTERVAL for then in sent.values())


def _has_grown(now: Heat, then: Sent) -> bool:
    return (
        not then.resent
        and now.votes is not None
        and then.votes is not None
        and then.votes > 0  # it was sent before anybody voted: that is a start, not a breakout
        and then.expected > 0
        and now.expected >= MIN_GROWTH_FACTOR * then.expected
        and now.votes - then.votes >= MIN_NEW_VOTES
    )


def _get_order(heat: Heat) -> float:
    return heat.value if heat.order is None else heat.order
