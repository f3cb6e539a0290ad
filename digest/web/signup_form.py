"""What every sign-up form shows: its ticket, the time zones to choose from, and when the digest comes."""

from collections.abc import Sequence
from dataclasses import dataclass

from digest.web.category_picker import CategoryGroup, group_categories
from digest.web.context import WebContext

SCRIPTS = ("timezone.js",)  # of pages with the form
ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Europe/Rome", "Europe/Zurich",
    "Europe/Warsaw", "Europe/Athens", "Europe/Kyiv", "Europe/Istanbul", "Africa/Cairo", "Africa/Lagos",
    "Africa/Nairobi", "Africa/Johannesburg", "Asia/Dubai", "Asia/Tehran", "Asia/Karachi", "Asia/Kolkata",
    "Asia/Dhaka", "Asia/Bangkok", "Asia/Singapore", "Asia/Shanghai", "Asia/Taipei", "Asia/Tokyo",
    "Asia/Seoul", "Australia/Perth", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo",
    "America/Buenos_Aires", "America/Halifax", "America/New_York", "America/Toronto", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Vancouver", "Pacific/Honolulu",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignUpFields:
    """The values of a sign-up form that nobody has filled in yet."""

    ticket: str
    zones: tuple[str, ...]
    zone: str  # chosen until the visitor, or their browser, chooses another
    send_at: str  # the usual hour
    category_groups: Sequence[CategoryGroup] = ()  # none: a form without the picker


def build_signup_fields(ctx: WebContext, *, with_categories: bool = False) -> SignUpFields:
    """Return the fields of a new sign-up form."""
    settings = ctx.services.settings
    usual = settings.timezone
    zones = ZONES if usual in ZONES else (usual, *ZONES)
    others = ctx.trending_lists.list_other_categories(ctx.clock()) if with_categories else {}
    return SignUpFields(
        ctx.signup_guard.tickets.issue(ctx.clock()),
        zones,
        usual,
        f"{settings.send_at:%H:%M}",
        category_groups=group_categories(others) if with_categories else (),
    )
