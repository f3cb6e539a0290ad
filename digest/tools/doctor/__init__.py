"""Is everything set up right? Checks that each end in OK, WARN or FAIL, with what to do."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from digest.app.services import House
from digest.tools.doctor.dns import dns_records
from digest.tools.doctor.findings import Finding, Verdict
from digest.tools.doctor.installation import database, digest_mail, settings
from digest.tools.doctor.smtp import mail_server
from digest.tools.doctor.sources import world

__all__ = ["Finding", "Verdict", "examine"]

Check = Callable[[House, datetime], Awaitable[Sequence[Finding]]]

LOCAL: tuple[Check, ...] = (settings, database, digest_mail)
REMOTE: tuple[Check, ...] = (mail_server, dns_records, world)


async def examine(house: House, now: datetime, *, offline: bool = False) -> list[Finding]:
    """Every check, in the order in which problems should be mended; no check harms the others."""
    findings: list[Finding] = []
    for check in LOCAL if offline else (*LOCAL, *REMOTE):
        findings += await check(house, now)
    return findings
