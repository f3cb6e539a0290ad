"""What if somebody cheats, or a source is down? The same days, made harder."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time

import numpy as np

from digest.models import Signal, SignalKind
from digest.tools.evaluation.replay import Morning, Replayed, Signals

FAKED = 0.05  # of all papers
SILENT = 0.3  # of all mornings


def with_fake_votes(replay: Sequence[Replayed], votes: float, *, seed: int) -> tuple[Replayed, ...]:
    """One paper in twenty got so many bought votes before its first reading."""
    chosen = np.random.default_rng(seed).random(len(replay)) < FAKED
    return tuple(_faked(each, votes) if fake else each for each, fake in zip(replay, chosen, strict=True))


def with_silent_mornings(days: Sequence[Morning], *, seed: int) -> tuple[Morning, ...]:
    """On three mornings in ten the list is known, but no votes have been read that day."""
    chosen = np.random.default_rng(seed).random(len(days)) < SILENT
    return tuple(_silenced(day) if silent else day for day, silent in zip(days, chosen, strict=True))


def _faked(each: Replayed, votes: float) -> Replayed:
    signals = tuple(_more(signal, votes) for signal in each.signals)
    return replace(each, signals=signals, is_fake=True)


def _more(signal: Signal, votes: float) -> Signal:
    return replace(signal, value=signal.value + votes) if signal.kind is SignalKind.UPVOTES else signal


def _silenced(day: Morning) -> Morning:
    midnight = datetime.combine(day.now, time(), UTC)
    signals: Signals = {
        name: tuple(signal for signal in readings if signal.observed_at < midnight)
        for name, readings in day.signals.items()
    }
    return replace(day, signals=signals)
