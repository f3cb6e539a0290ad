"""What every sign-up form shows: its ticket, the time zones to choose from, and when the digest comes."""

from digest.web.category_picker import group_categories
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


def build_signup_fields(ctx: WebContext, *, with_categories: bool = False) -> dict[str, object]:
    """Return the values of a sign-up form that nobody has filled in yet."""
    settings = ctx.services.settings
    zone, now = settings.timezone, ctx.clock()
    others = ctx.trending_lists.list_other_categories(now) if with_categories else {}
    return {
        "ticket": ctx.signup_guard.tickets.issue(now),
        "zones": ZONES if zone in ZONES else (zone, *ZONES),
        "zone": zone,  # chosen until the visitor, or their browser, chooses another
        "send_at": f"{settings.send_at:%H:%M}",
        "category_groups": group_categories(others) if with_categories else (),
    }
