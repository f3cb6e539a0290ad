"""Sources that the operator turned on or off, and feeds that were imported, beside what the settings say."""

import json
from dataclasses import asdict, dataclass, replace

from digest.db import Transaction
from digest.sources.config import SourceConfig

_KEY = "source_choices"


@dataclass(frozen=True, slots=True)
class SourceChoices:
    """Names of sources, and URLs of feeds."""

    on: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()

    def switch(self, name: str, *, on: bool) -> "SourceChoices":
        """Return the choices with a source turned on or off."""
        chosen, others = (self.on, self.off) if on else (self.off, self.on)
        chosen = tuple(dict.fromkeys([*chosen, name]))
        others = tuple(other for other in others if other != name)
        return replace(self, on=chosen, off=others) if on else replace(self, on=others, off=chosen)

    def apply(self, config: SourceConfig) -> SourceConfig:
        """Return the configuration with these choices in place of what the settings say."""
        names = dict.fromkeys([*config.sources, *self.on])
        feeds = () if "feeds" in self.off else tuple(dict.fromkeys([*config.feeds, *self.feeds]))
        sources = tuple(name for name in names if name not in self.off)
        return replace(config, sources=sources, feeds=feeds)


def load_choices(tx: Transaction) -> SourceChoices:
    """Return the stored choices."""
    stored = json.loads(tx.meta.read(_KEY) or "{}")
    return SourceChoices(**{name: tuple(stored.get(name, ())) for name in ("on", "off", "feeds")})


def save_choices(tx: Transaction, choices: SourceChoices) -> None:
    """Store the choices; every process reads them before its next fetch."""
    tx.meta.write(_KEY, json.dumps(asdict(choices)))
