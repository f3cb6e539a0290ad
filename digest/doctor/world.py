"""Is the world there? Each source's host, and our clock against its own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from digest.app import House
from digest.doctor.findings import Finding, fail, ok

CLOCK_TOLERANCE = 60.0  # seconds


async def world(house: House, now: datetime) -> list[Finding]:
    """Each source's host, and our clock against its own."""
    hosts = {house.settings.arxiv_rss_url, house.settings.huggingface_url}
    findings: list[Finding] = []
    async with httpx.AsyncClient(timeout=10) as client:
        for url in sorted(hosts):
            try:
                answer = await client.head(url)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
                findings.append(fail("source", f"{url}: {reason}", "check network and proxy"))
                continue
            findings += [ok("source", f"{url} answers"), *_clock(answer, now)]
    return findings


def _clock(answer: httpx.Response, now: datetime) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return
    off = abs((theirs - now).total_seconds())
    if off > CLOCK_TOLERANCE:
        yield fail("clock", f"{off:.0f} seconds off", "switch on NTP: timedatectl set-ntp true")
