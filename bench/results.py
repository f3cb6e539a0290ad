"""Results of benchmarks: one figure of ours, a reference beside it, and the goal."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """One row of the table. `ratio` is ours divided by the reference, measured in alternation in one run."""

    name: str
    ours: float
    unit: str
    reference: float | None = None  # None: the goal is absolute, and `ratio` is the figure itself
    against: str = ""
    ratio: float
    goal: float
    at_most: bool = False  # the goal is an upper limit

    @property
    def is_met(self) -> bool:
        """True if the goal is reached."""
        return self.ratio <= self.goal if self.at_most else self.ratio >= self.goal

    @property
    def verdict(self) -> str:
        """The goal, and whether it is met, as text."""
        return f"{'<=' if self.at_most else '>='} {self.goal:g} {'met' if self.is_met else 'NOT MET'}"

    def format_cells(self) -> tuple[str, ...]:
        """Return the cells of the table row."""
        reference = "" if self.reference is None else f"{self.against}: {format_figure(self.reference)}"
        ratio = "" if self.reference is None else f"{format_figure(self.ratio)} x"
        return self.name, f"{format_figure(self.ours)} {self.unit}", reference, ratio, self.verdict

    def to_json(self) -> dict[str, object]:
        """Return the fields as printed by `--json`."""
        return {**asdict(self), "met": self.is_met}


def build_ratio_result(  # noqa: PLR0913  one parameter for each cell
    name: str, ours: Sequence[float], references: Sequence[float], *, unit: str, against: str, goal: float,
    at_most: bool = False,
) -> BenchResult:  # fmt: skip
    """Build a result from two series measured in alternation.

    The ratio is the median of the ratios of each pair, which cancels other load on the machine.
    """
    pairs = zip(ours, references, strict=True)
    return BenchResult(
        name=name, ours=median(ours), unit=unit, reference=median(references), against=against,
        ratio=median(own / reference for own, reference in pairs), goal=goal, at_most=at_most,
    )  # fmt: skip


def build_limit_result(name: str, ours: float, *, unit: str, goal: float) -> BenchResult:
    """Build a result without a reference; *goal* is its upper limit."""
    return BenchResult(name=name, ours=ours, unit=unit, ratio=ours, goal=goal, at_most=True)


def format_figure(number: float) -> str:
    """Return a number with three significant digits and thousands separators."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def format_table(results: Iterable[BenchResult]) -> list[str]:
    """Return the lines of a Markdown table."""
    head = ("measurement", "ours", "reference", "ratio", "goal")
    lines = [head, tuple("---" for _ in head), *(result.format_cells() for result in results)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
