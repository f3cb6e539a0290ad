"""Record of the month: every mail, every missing mail with its reason, every click and crash."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime

from bench.simulation.inboxes import DigestMail


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A mail that arrived."""

    reader: int
    at: datetime
    slot: datetime | None  # when it was due; None for a duplicate
    mail: DigestMail

    @property
    def delay(self) -> float:
        """Hours between the reader's slot and the mail."""
        return (self.at - self.slot).total_seconds() / 3600 if self.slot else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingScore:
    """Ranking quality of one reader's day: with the learnt profile, and with the typed one."""

    reader: int
    day: date
    learnt: float
    typed: float


@dataclass(frozen=True, slots=True)
class Crash:
    """A sender killed with SIGKILL."""

    at: datetime
    moment: str


@dataclass(slots=True)
class Record:
    """Everything that happened."""

    arrivals: list[Arrival] = field(default_factory=list)
    duplicates: list[Arrival] = field(default_factory=list)  # the same Message-ID again
    unwanted: list[str] = field(default_factory=list)  # addresses that got a digest after they left
    missing_mails: dict[tuple[int, date], str] = field(default_factory=dict)
    ranking_scores: list[RankingScore] = field(default_factory=list)
    crashes: list[Crash] = field(default_factory=list)
    refused: int = 0  # recipients that the mail server refused for a fault of ours
    restored: int = 0  # restores of a backup
    upgraded: bool = False  # whether another version simulated the first half
    flood: Counter[int] = field(default_factory=Counter)  # replies to the flood of sign-ups, by HTTP status
    confirmations: Counter[str] = field(default_factory=Counter)  # mails to each victim of the flood
    suppressed: list[str] = field(default_factory=list)  # keys of those who get nothing more
    clicks: Counter[str] = field(default_factory=Counter)
    rated: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    resent: set[tuple[int, str]] = field(default_factory=set)  # (reader, paper) that broke out
    ticks: int = 0
    slowest_tick: float = 0.0  # CPU seconds of one tick
    seconds: float = 0.0  # CPU seconds of all ticks
