"""Who sends these mails, and in which colours? The operator's choices, as values."""

import re
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import idna

from digest.models.errors import ConfigError

ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
MIN_CONTRAST = 4.5  # WCAG 2.2 AA for text of our sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one scheme, as #rrggbb. A palette that cannot be read is refused."""

    page: str
    card: str
    text: str
    muted: str
    link: str
    why: str
    rule: str

    def __post_init__(self) -> None:
        """Refuse text that is too faint on its background."""
        for name in ("text", "muted", "link", "why"):
            ratio = contrast(getattr(self, name), self.card)
            if ratio < MIN_CONTRAST:
                raise ConfigError(
                    f"The {name} colour {getattr(self, name)} is too faint on {self.card}: "
                    f"contrast {ratio:.1f}, at least {MIN_CONTRAST} is needed."
                )

    def named(self, prefix: str = "") -> dict[str, str]:
        """Every colour under its name, for the stylesheet."""
        return {prefix + entry.name: getattr(self, entry.name) for entry in fields(self)}


def contrast(ink: str, paper: str) -> float:
    """The WCAG contrast ratio of two #rrggbb colours, 1 to 21."""
    lighter, darker = sorted((_luminance(ink), _luminance(paper)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


LIGHT = Palette(
    page="#f3f4f6",
    card="#ffffff",
    text="#1f2328",
    muted="#57606a",
    link="#0b57d0",
    why="#1a7f37",
    rule="#1f2328",
)
DARK = Palette(
    page="#0d1117",
    card="#161b22",
    text="#e6edf3",
    muted="#9da7b3",
    link="#79b8ff",
    why="#56d364",
    rule="#e6edf3",
)


def palettes(changes: str) -> tuple[Palette, Palette]:
    """The light and the dark palette with changes such as `link=#0b57d0,dark_link=#79b8ff`."""
    light, dark = LIGHT, DARK
    for change in filter(None, changes.replace(" ", "").split(",")):
        name, _, colour = change.partition("=")
        bare = name.removeprefix("dark_")
        if bare not in LIGHT.named() or not COLOUR.fullmatch(colour):
            raise ConfigError(
                f"{change!r} is no colour of the mails; write one of {', '.join(LIGHT.named())}, "
                "with dark_ before it for the dark scheme, as in link=#0b57d0."
            )
        if bare == name:
            light = replace(light, **{bare: colour})
        else:
            dark = replace(dark, **{bare: colour})
    return light, dark


@dataclass(frozen=True, kw_only=True)
class Site:
    """The sender of every mail: its name, addresses, web pages and colours."""

    brand: str
    base_url: str
    sender: str  # the address digests come from; its domain also names the list and the message ids
    notices_from: str = ""  # confirmations and notices; unset: `confirm` at the sender's domain
    reply_to: str = ""  # a person; unset: the sender
    name: str = ""  # who sends this, in the footer; unset: the brand
    postal_address: str = ""
    reads_mail: bool = True  # `digest bounces` reads unsubscribe+…@ at the sender's domain
    light: Palette = field(default=LIGHT)
    dark: Palette = field(default=DARK)

    def __post_init__(self) -> None:
        """Refuse senders that no mail could come from."""
        for address in filter(None, (self.sender, self.notices_from, self.reply_to)):
            if not ADDRESS.fullmatch(address):
                raise ConfigError(
                    f"{address!r} is not a plain address; write it as digest@example.org, without a name."
                )

    @cached_property
    def domain(self) -> str:
        """The sender's domain as the wire has it: ASCII, also for bücher.example."""
        return ascii_domain(self.sender)

    @property
    def notices_sender(self) -> str:
        """The address of confirmations and notices, apart from the digests' own."""
        return self.notices_from or f"confirm@{self.domain}"

    @property
    def signature(self) -> str:
        """Who sends this and where they are: `Sent by …`."""
        return ", ".join(part for part in (self.name or self.brand, self.postal_address) if part)


def ascii_domain(address: str) -> str:
    """The domain of an address in its ASCII form."""
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
