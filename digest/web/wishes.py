"""What did a reader ask for? The preferences form: filled in from a subscriber, read as wishes by name."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from starlette.datastructures import FormData

from digest.models import Facet, Frequency, Mix, Subscriber, Threshold
from digest.subscribers.validation import MOST_ITEMS

MOST_FACETS = 8
LONGEST_NAME = 100
TICKED = ("empty_day_note", "clicks_may_teach")
LIBRARIES = ("zotero", "orcid", "author")  # read once; a key is in no form that is shown
LONGEST_LIBRARY = 200
APART = {"facets", "pasted", *LIBRARIES, *TICKED}  # what is not a plain text field of the subscriber's own


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
    zotero: str = ""
    orcid: str = ""
    author: str = ""
    mix: str = Mix.BALANCED
    trending: str = "3"
    picked: str = "6"
    threshold: str = Threshold.USUAL
    also_new: str = "10"
    frequency: str = Frequency.DAILY
    weekday: str = "0"
    send_at: str = "07:00"
    timezone: str = "UTC"
    paused_until: str = ""
    language: str = "en"
    empty_day_note: bool = False
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
            threshold=wants.threshold,
            also_new=str(wants.also_new),
            frequency=schedule.frequency,
            weekday=str(schedule.weekday),
            send_at=schedule.send_at.strftime("%H:%M"),
            timezone=schedule.timezone,
            paused_until=schedule.paused_until.isoformat() if schedule.paused_until else "",
            language=wants.language,
            empty_day_note=wants.empty_day_note,
            clicks_may_teach=wants.clicks_may_teach,
        )

    @classmethod
    def typed(cls, form: FormData) -> Self:
        """The form as it came in; a field that did not come counts as emptied."""
        plain: dict[str, Any] = {
            name: str(form.get(name, "")) for name in cls.__dataclass_fields__ if name not in APART
        }
        plain |= {name: name in form for name in TICKED}
        plain |= {name: str(form.get(name, "")).strip()[:LONGEST_LIBRARY] for name in LIBRARIES}
        names, keywords = form.getlist("facet_name"), form.getlist("facet_keywords")
        facets = tuple((str(n).strip(), str(k)) for n, k in zip(names, keywords, strict=False) if n)
        return cls(
            **plain,
            pasted=str(form.get("pasted", "")),
            facets=facets[:MOST_FACETS],
        )

    @property
    def libraries(self) -> dict[str, str]:
        """The libraries that are named."""
        return {name: given for name in LIBRARIES if (given := getattr(self, name))}

    def left(self, saved: Self, failed: Collection[str]) -> Self:
        """The form as it is shown after saving: libraries that could not be read stay in their fields."""
        still: dict[str, Any] = {name: given for name, given in self.libraries.items() if name in failed}
        return replace(saved, **still)

    def named(self, subscriber: Subscriber) -> dict[str, object]:
        """The wishes as `digest.changes` takes them; what a facet learnt from papers stays with its name."""
        before = {facet.name: facet for facet in subscriber.profile.facets}
        facets = [_facet(name, keywords, before.get(name)) for name, keywords in self.facets if name]
        plain: dict[str, Any] = {name: value for name, value in asdict(self).items() if name not in APART}
        plain["categories"] = self.categories.replace(" ", ",")
        ticked = {name: getattr(self, name) for name in TICKED}
        return {**plain, **ticked, "facets": tuple(facets)}


def _facet(name: str, keywords: str, before: Facet | None) -> Facet:
    words = tuple(word.strip()[:LONGEST_NAME] for word in keywords.split(",") if word.strip())[:MOST_ITEMS]
    kept = before or Facet("")
    return Facet(name[:LONGEST_NAME], words, kept.text, kept.liked)
