"""What did a reader ask for? The preferences form, from nouns to text and back."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Self, TypeVar

from starlette.datastructures import FormData

from digest.cadence import parse_time, zone_of
from digest.compose.tongue import LANGUAGES
from digest.errors import ConfigError, DigestError
from digest.model import Facet, Frequency, Mix, Preferences, Profile, Schedule, Subscriber

MOST_ITEMS, LONGEST_ITEM, LONGEST_TEXT = 100, 100, 5_000
MOST_FACETS = 8
BLANK_FACET = Facet("")
SECTIONS = {"trending": 20, "picked": 40, "also_new": 60}  # most papers of each

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The form as it is shown and typed: text, as far as it can be wrong."""

    keywords: str = ""
    text: str = ""
    authors: str = ""
    categories: str = ""
    muted: str = ""
    facets: tuple[tuple[str, str], ...] = ()  # a name and its keywords
    pasted: str = ""
    mix: str = Mix.BALANCED
    trending: str = "3"
    picked: str = "6"
    also_new: str = "10"
    frequency: str = Frequency.DAILY
    weekday: str = "0"
    send_at: str = "07:00"
    timezone: str = "UTC"
    paused_until: str = ""
    language: str = "en"
    clicks_may_teach: bool = False

    @classmethod
    def of(cls, subscriber: Subscriber) -> Self:
        """The form as this reader last left it."""
        profile, schedule, wants = subscriber.profile, subscriber.schedule, subscriber.preferences
        return cls(
            keywords=", ".join(profile.keywords),
            text=profile.text,
            authors=", ".join(profile.authors),
            categories=", ".join(profile.categories),
            muted=", ".join(profile.muted),
            facets=tuple((facet.name, ", ".join(facet.keywords)) for facet in profile.facets),
            mix=wants.mix,
            trending=str(wants.trending),
            picked=str(wants.picked),
            also_new=str(wants.also_new),
            frequency=schedule.frequency,
            weekday=str(schedule.weekday),
            send_at=schedule.send_at.strftime("%H:%M"),
            timezone=schedule.timezone,
            paused_until=schedule.paused_until.isoformat() if schedule.paused_until else "",
            language=wants.language,
            clicks_may_teach=wants.clicks_may_teach,
        )

    @classmethod
    def typed(cls, form: FormData) -> Self:
        """The form as it came in; a field that did not come counts as emptied."""
        plain = {
            name: str(form.get(name, ""))
            for name in cls.__dataclass_fields__
            if name not in ("facets", "clicks_may_teach")
        }
        names, keywords = form.getlist("facet_name"), form.getlist("facet_keywords")
        facets = tuple((str(n), str(k)) for n, k in zip(names, keywords, strict=False) if str(n).strip())
        return cls(**plain, facets=facets[:MOST_FACETS], clicks_may_teach="clicks_may_teach" in form)

    def applied(self, subscriber: Subscriber) -> tuple[Subscriber, tuple[str, ...]]:
        """The reader with these wishes, and a sentence for each that cannot be met and was left as it is."""
        read = _Reader()
        profile = self._profile(subscriber.profile)
        schedule = self._schedule(subscriber.schedule, read)
        preferences = self._preferences(subscriber.preferences, read)
        changed = replace(subscriber, profile=profile, schedule=schedule, preferences=preferences)
        return changed, tuple(read.problems)

    def _profile(self, before: Profile) -> Profile:
        known = {facet.name: facet for facet in before.facets}
        return replace(
            before,
            keywords=items(self.keywords),
            text=clean(self.text)[:LONGEST_TEXT],
            authors=items(self.authors),
            categories=items(self.categories.replace(" ", ",")),
            muted=items(self.muted),
            facets=tuple(
                replace(known.get(name, BLANK_FACET), name=name, keywords=items(keywords))
                for name, keywords in ((clean(n)[:LONGEST_ITEM], k) for n, k in self.facets)
            ),
        )

    def _schedule(self, before: Schedule, read: "_Reader") -> Schedule:
        return replace(
            before,
            frequency=read(lambda: Frequency(self.frequency), before.frequency, "Choose how often."),
            weekday=read(lambda: _between(self.weekday, 0, 6), before.weekday, "Choose a day of the week."),
            send_at=read(lambda: parse_time(self.send_at), before.send_at),
            timezone=read(lambda: zone_of(self.timezone.strip()).key, before.timezone),
            paused_until=read(
                lambda: date.fromisoformat(self.paused_until) if self.paused_until else None,
                before.paused_until,
                "The pause needs a date like 2026-12-24.",
            ),
        )

    def _preferences(self, before: Preferences, read: "_Reader") -> Preferences:
        counts = {
            name: read(
                lambda name=name, most=most: _between(getattr(self, name), 0, most),  # type: ignore[misc]
                getattr(before, name),
                f"The number of papers must be between 0 and {most}.",
            )
            for name, most in SECTIONS.items()
        }
        return replace(
            before,
            mix=read(lambda: Mix(self.mix), before.mix, "Choose a mix."),
            language=self.language if self.language in LANGUAGES else before.language,
            clicks_may_teach=self.clicks_may_teach,
            **counts,
        )


class _Reader:
    """Reads one field after the other and remembers what made no sense."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def __call__(self, read: Callable[[], T], otherwise: T, problem: str = "") -> T:
        try:
            return read()
        except (DigestError, ValueError) as error:
            self.problems.append(problem or str(error))
            return otherwise


def items(text: str) -> tuple[str, ...]:
    """The parts of a list that people write with commas or line by line; each once."""
    parts = (clean(part)[:LONGEST_ITEM] for part in re.split(r"[,;\n]", text))
    return tuple(_once(part for part in parts if part))[:MOST_ITEMS]


def clean(text: str) -> str:
    """The text without control and direction characters; spaces are single, lines stay lines."""
    lines = (" ".join(_visible(line).split()) for line in text.splitlines())
    return "\n".join(lines).strip()


def _visible(line: str) -> str:
    return "".join(c if c == "\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else " " for c in line)


def _once(parts: Iterable[str]) -> Iterable[str]:
    first: dict[str, str] = {}
    for part in parts:
        first.setdefault(part.casefold(), part)
    return first.values()


def _between(text: str, least: int, most: int) -> int:
    number = int(text)
    if not least <= number <= most:
        raise ConfigError(f"{number} is not between {least} and {most}.")
    return number
