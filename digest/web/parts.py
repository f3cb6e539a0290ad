"""Which pieces do several pages share?"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Button:
    """A form of one button; it POSTs to `action`, with one field if a name is given."""

    label: str
    action: str
    main: bool = False
    name: str = ""
    value: str = ""
