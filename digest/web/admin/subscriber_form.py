"""The form on the page of one subscriber: every setting, and whether somebody else changed one meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from starlette.datastructures import FormData

from digest.models import Subscriber
from digest.web.preferences_form import PreferencesForm

TEXT_FIELDS = {
    "keywords": "Keywords",
    "text": "In their own words",
    "authors": "Authors",
    "categories": "Categories",
    "muted": "Never show",
    "mix": "Mix",
    "trending": "Trending",
    "picked": "Picked, at most",
    "also_new": "Also new, at most",
    "threshold": "Picks must match",
    "language": "Language",
    "frequency": "How often",
    "weekday": "Day, if weekly",
    "send_at": "Time",
    "timezone": "Time zone",
    "paused_until": "Pause until",
}
CHECKBOXES = {"empty_day_note": "A note on empty days", "clicks_may_teach": "Learn from opened papers"}
LABELS = {**TEXT_FIELDS, **CHECKBOXES, "facets": "Further interests"}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that somebody else changed meanwhile, or that differs from what was entered."""

    label: str
    stored: str
    entered: str


@dataclass(frozen=True, slots=True)
class SubscriberForm:
    """The settings of a subscriber, as they are shown and submitted."""

    values: Mapping[str, str | bool]
    facets: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, subscriber: Subscriber) -> "SubscriberForm":
        """Return the form with the saved settings."""
        form = PreferencesForm.from_subscriber(subscriber)
        return cls({name: getattr(form, name) for name in (*TEXT_FIELDS, *CHECKBOXES)}, form.facets)

    @classmethod
    def parse(cls, data: FormData) -> "SubscriberForm":
        """Return what was entered: only the fields that the form had."""
        values: dict[str, str | bool] = {name: str(data[name]) for name in TEXT_FIELDS if name in data}
        if "boxes" in data:
            values |= {name: name in data for name in CHECKBOXES}
        return cls(values, PreferencesForm.parse(data).facets)

    @property
    def version(self) -> str:
        """A fingerprint: another one means that a setting was changed."""
        return blake2b(repr((sorted(self.values.items()), self.facets)).encode(), digest_size=8).hexdigest()

    def to_changes(self, subscriber: Subscriber, *, has_facets: bool) -> dict[str, object]:
        """Return the changes for `subscribers.change_settings`. Facets keep what they learnt, by name."""
        changes: dict[str, object] = dict(self.values)
        if "categories" in changes:
            changes["categories"] = str(changes["categories"]).replace(" ", ",")
        if has_facets:
            changes["facets"] = PreferencesForm(facets=self.facets).to_changes(subscriber)["facets"]
        return changes

    def list_differences(self, entered: "SubscriberForm") -> list[Difference]:
        """Return the fields in which what was entered differs from what is stored."""
        differences = [
            Difference(LABELS[name], _show(self.values[name]), _show(value))
            for name, value in entered.values.items()
            if value != self.values[name]
        ]
        if entered.facets != self.facets:
            stored, new = _show_facets(self.facets), _show_facets(entered.facets)
            differences.append(Difference(LABELS["facets"], stored, new))
        return differences


def _show(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _show_facets(facets: tuple[tuple[str, str], ...]) -> str:
    return "; ".join(f"{name}: {keywords}" for name, keywords in facets)
