"""Who reads the sample? Three people of clearly different taste; all of them get their mail at noon UTC."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One invented reader, and what they type into the form."""

    name: str
    address: str
    taste: str
    keywords: tuple[str, ...]
    categories: tuple[str, ...]
    timezone: str
    send_at: str

    @property
    def wishes(self) -> Mapping[str, object]:
        """What they type into the form, by the names of its fields."""
        return {
            "keywords": self.keywords,
            "categories": self.categories,
            "timezone": self.timezone,
            "send_at": self.send_at,
        }


READERS = (
    Reader(
        name="Lin",
        address="lin@language.example",
        taste="language models",
        keywords=("language models", "interpretability", "unlearning", "generated text", "prompts"),
        categories=("cs.CL",),
        timezone="America/New_York",
        send_at="07:00",
    ),
    Reader(
        name="Robin",
        address="robin@robots.example",
        taste="robotics",
        keywords=("robot manipulation", "grasping", "legged robots", "learning from corrections"),
        categories=("cs.RO",),
        timezone="Europe/Berlin",
        send_at="13:00",
    ),
    Reader(
        name="Stella",
        address="stella@statistics.example",
        taste="statistics",
        keywords=(
            "confidence intervals",
            "causal inference",
            "adaptive trials",
            "conformal prediction",
            "variance reduction",
        ),
        categories=("stat.ME", "stat.ML"),
        timezone="America/Sao_Paulo",
        send_at="09:00",
    ),
)
