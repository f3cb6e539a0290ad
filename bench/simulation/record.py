"""What is written down of the month? Every mail, every silence with its reason, every verdict and death."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from bench.simulation.letterbox import Mail


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A mail at its reader's."""

    reader: int
    at: datetime
    slot: datetime | None  # when it was due; None for the second copy of a mail
    mail: Mail

    @property
    def delay(self) -> float:
        """Hours between the reader's hour and the mail."""
        return (self.at - self.slot).total_seconds() / 3600 if self.slot else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How well one reader's morning was ordered: with what was learnt, and with what was typed."""

    reader: int
    day: date
    learnt: float
    typed: float


@dataclass(frozen=True, slots=True)
class Death:
    """A sender killed with -9."""

    at: datetime
    moment: str


@dataclass(slots=True)
class Record:
    """Everything that happened."""

    arrivals: list[Arrival] = field(default_factory=list)
    copies: list[Arrival] = field(default_factory=list)  # the same Message-ID once more
    strays: list[str] = field(default_factory=list)  # digests to who should get none
    silences: dict[tuple[int, date], str] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    clicks: Counter[str] = field(default_factory=Counter)
    judged: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    resent: set[tuple[int, str]] = field(default_factory=set)  # (reader, paper) that broke out
    ticks: int = 0
    slowest: float = 0.0  # CPU seconds of one tick
    seconds: float = 0.0  # CPU seconds of the product's ticks together
