"""Is everything set up right? Checks that each end in OK, WARN or FAIL, with what to do."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from digest.app.services import Services
from digest.tools.doctor.dns import dns_records
from digest.tools.doctor.findings import CheckLevel, Finding
from digest.tools.doctor.installation import database, digest_mail, settings
from digest.tools.doctor.smtp import mail_server
from digest.tools.doctor.sources import world

__all__ = ["CheckLevel", "Finding", "examine"]

Check = Callable[[Services, datetime], Awaitable[Sequence[Finding]]]

LOCAL: tuple[Check, ...] = (settings, database, digest_mail)
REMOTE: tuple[Check, ...] = (mail_server, dns_records, world)


async def examine(services: Services, now: datetime, *, offline: bool = False) -> list[Finding]:
    """Every check, in the order in which problems should be mended; no check harms the others."""
    findings: list[Finding] = []
    for check in LOCAL if offline else (*LOCAL, *REMOTE):
        findings += await check(services, now)
    return findings
