"""The sender of the mails and their colours, as the operator configured them."""

import re
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import idna

from digest.models.errors import ConfigError

ADDRESS_PATTERN = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
_NAMED_ADDRESS = re.compile(r'\s*(?:"([^"<>]*)"\s*|([^"<>]*))<([^<>]*)>\s*')
COLOUR_PATTERN = re.compile(r"#[0-9a-fA-F]{6}")
MIN_CONTRAST = 4.5  # WCAG 2.2 AA for text of the sizes used in the mails


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The colours of one scheme, light or dark, as #rrggbb."""

    page: str
    card: str
    text: str
    muted: str
    link: str
    why: str
    rule: str

    def __post_init__(self) -> None:
        """Raise ConfigError if a text colour is too faint on the card."""
        for name in ("text", "muted", "link", "why"):
            ratio = contrast_ratio(getattr(self, name), self.card)
            if ratio < MIN_CONTRAST:
                raise ConfigError(
                    f"The {name} colour {getattr(self, name)} is too faint on {self.card}: "
                    f"contrast {ratio:.1f}, at least {MIN_CONTRAST} is needed."
                )

    def as_dict(self, prefix: str = "") -> dict[str, str]:
        """Return every colour by its name, for the stylesheet."""
        return {prefix + field.name: getattr(self, field.name) for field in fields(self)}


def contrast_ratio(foreground: str, background: str) -> float:
    """Return the WCAG contrast ratio of two #rrggbb colours, from 1 to 21."""
    lighter, darker = sorted((_relative_luminance(foreground), _relative_luminance(background)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _relative_luminance(colour: str) -> float:
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


def parse_palettes(changes: str) -> tuple[Palette, Palette]:
    """Return the light and the dark palette with changes such as `link=#0b57d0,dark_link=#79b8ff`.

    Raises ConfigError for an unknown name, a malformed colour or one that is too faint.
    """
    light, dark = LIGHT, DARK
    for change in filter(None, changes.replace(" ", "").split(",")):
        name, _, colour = change.partition("=")
        base_name = name.removeprefix("dark_")
        if base_name not in LIGHT.as_dict():
            raise ConfigError(
                f"{name!r} is not a colour of the emails; write one of {', '.join(LIGHT.as_dict())}, "
                "with dark_ before it for the dark scheme, as in link=#0b57d0."
            )
        if not COLOUR_PATTERN.fullmatch(colour):
            raise ConfigError(f"{change!r} needs a colour of six hexadecimal digits, as in {name}=#0b57d0.")
        if base_name == name:
            light = replace(light, **{base_name: colour})
        else:
            dark = replace(dark, **{base_name: colour})
    return light, dark


@dataclass(frozen=True, kw_only=True)
class Site:
    """The sender of every mail: its name, addresses, web address and colours."""

    brand: str
    base_url: str
    sender: str  # From of the digests; its domain also stands in List-Id and the message ids
    sender_name: str = ""  # the name before these addresses; unset: the brand
    notices_from: str = ""  # From of confirmations and notices; unset: `confirm` at the sender's domain
    reply_to: str = ""  # a mailbox that somebody reads; unset: the sender
    name: str = ""  # the sender in the footer; unset: the brand
    postal_address: str = ""
    reads_mail: bool = True  # whether `digest bounces` reads unsubscribe+…@ at the sender's domain
    light: Palette = field(default=LIGHT)
    dark: Palette = field(default=DARK)

    def __post_init__(self) -> None:
        """Raise ConfigError if a sender is not a plain address."""
        for address in filter(None, (self.sender, self.notices_from, self.reply_to)):
            if not ADDRESS_PATTERN.fullmatch(address):
                raise ConfigError(
                    f"{address!r} is not a plain address; write it as digest@example.org, without a name."
                )

    @cached_property
    def domain(self) -> str:
        """The sender's domain in ASCII (`xn--bcher-kva.example` for bücher.example)."""
        return ascii_domain(self.sender)

    @property
    def notices_sender(self) -> str:
        """The From address of confirmations and notices, apart from that of the digests."""
        return self.notices_from or f"confirm@{self.domain}"

    @property
    def signature(self) -> str:
        """The sender and the postal address, for `Sent by …`."""
        return ", ".join(part for part in (self.name or self.brand, self.postal_address) if part)


def parse_sender(text: str) -> tuple[str, str]:
    """Return name and address of `Name <digest@example.org>`; the name of a plain address is empty.

    The address is not checked.
    """
    match = _NAMED_ADDRESS.fullmatch(text)
    return ((match[1] or match[2] or "").strip(), match[3].strip()) if match else ("", text)


def ascii_domain(address: str) -> str:
    """Return the domain of an address in its ASCII form (IDNA 2008 with UTS 46); ASCII stays as written."""
    domain = address.rpartition("@")[2]
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
