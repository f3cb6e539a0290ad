"""What does a bench say? One figure of ours beside one of somebody else's, and how far from the goal."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `ratio` is ours by theirs, both measured in turns in the same run."""

    name: str
    ours: float
    unit: str
    reference: float | None = None  # None: the goal is an absolute one, and `ratio` is the figure itself
    against: str = ""
    ratio: float
    goal: float
    at_most: bool = False  # the goal is a ceiling, not a floor

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    @property
    def verdict(self) -> str:
        """The goal in words, and whether it is met."""
        return f"{'<=' if self.at_most else '>='} {self.goal:g} {'met' if self.is_met else 'NOT MET'}"

    def cells(self) -> tuple[str, ...]:
        """As people read it."""
        theirs = "" if self.reference is None else f"{self.against}: {figure(self.reference)}"
        ratio = "" if self.reference is None else f"{figure(self.ratio)} x"
        return self.name, f"{figure(self.ours)} {self.unit}", theirs, ratio, self.verdict

    def told(self) -> dict[str, object]:
        """As programs read it."""
        return {**asdict(self), "met": self.is_met}


def compared(  # noqa: PLR0913  a line has as many parts
    name: str, ours: Sequence[float], theirs: Sequence[float], *, unit: str, against: str, goal: float,
    at_most: bool = False,
) -> Row:  # fmt: skip
    """The medians of both and of the ratios of each pair: what else the machine did falls out."""
    pairs = zip(ours, theirs, strict=True)
    return Row(
        name=name, ours=median(ours), unit=unit, reference=median(theirs), against=against,
        ratio=median(one / other for one, other in pairs), goal=goal, at_most=at_most,
    )  # fmt: skip


def absolute(name: str, ours: float, *, unit: str, goal: float) -> Row:
    """A figure with a ceiling of its own."""
    return Row(name=name, ours=ours, unit=unit, ratio=ours, goal=goal, at_most=True)


def figure(number: float) -> str:
    """Three digits that matter, thousands parted."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def markdown(rows: Iterable[Row]) -> list[str]:
    """A table."""
    head = ("what", "ours", "beside it", "ratio", "goal")
    lines = [head, tuple("---" for _ in head), *(row.cells() for row in rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
