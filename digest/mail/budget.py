"""Does it all fit? Gmail hides what goes beyond about 102 KB, so a mail trims itself and says so."""

from collections.abc import Callable
from dataclasses import replace

from digest.models import Edition, Pick, Section

LARGEST = 80_000  # bytes of HTML
GIVEN_UP = (Section.ALSO_NEW, Section.PICKED, Section.TRENDING)  # what goes first


def fitted(edition: Edition, weigh: Callable[[Pick], int], *, around: int) -> Edition:
    """The edition, or as much of it as fits: lines go first, then picks, last ones first."""
    weights = [weigh(pick) for pick in edition.picks]
    excess = around + sum(weights) - LARGEST
    if excess <= 0:
        return edition
    dropped: set[int] = set()
    for place in _by_worth(edition):
        if excess <= 0 or len(dropped) + 1 == len(weights):
            break
        dropped.add(place)
        excess -= weights[place]
    kept = tuple(pick for place, pick in enumerate(edition.picks) if place not in dropped)
    return replace(edition, picks=kept, notes=(*edition.notes, "trimmed"))


def _by_worth(edition: Edition) -> list[int]:
    """Places of picks, the first to give up first."""
    places = range(len(edition.picks))
    return sorted(places, key=lambda place: (GIVEN_UP.index(edition.picks[place].section), -place))
