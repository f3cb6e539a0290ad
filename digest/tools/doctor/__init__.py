"""Checks of the installation and of what it depends on; each ends in OK, WARN or FAIL, with what to do."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from digest.app.services import Services
from digest.tools.doctor.dns import check_dns
from digest.tools.doctor.findings import Finding
from digest.tools.doctor.installation import check_database, check_digest, check_settings
from digest.tools.doctor.smtp import check_mail_servers
from digest.tools.doctor.sources import check_sources

Check = Callable[[Services, datetime], Awaitable[Sequence[Finding]]]

LOCAL_CHECKS: tuple[Check, ...] = (check_settings, check_database, check_digest)
REMOTE_CHECKS: tuple[Check, ...] = (check_mail_servers, check_dns, check_sources)


async def run_checks(services: Services, now: datetime, *, offline: bool = False) -> list[Finding]:
    """Run every check, in the order in which problems should be fixed; checks change nothing.

    *offline* leaves out the checks that need a network.
    """
    findings: list[Finding] = []
    for check in LOCAL_CHECKS if offline else (*LOCAL_CHECKS, *REMOTE_CHECKS):
        findings += await check(services, now)
    return findings
