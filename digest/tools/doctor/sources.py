"""Is the world there? The hosts of every source that is read, and our clock against theirs."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from digest.app.services import Services
from digest.tools.doctor.findings import Finding, fail, ok

CLOCK_TOLERANCE = 60.0  # seconds


async def world(services: Services, now: datetime) -> list[Finding]:
    """Each host that a source asks, all at once, and our clock against the first that tells the time."""
    hosts = _hosts(services.fetch_plan.asked)
    async with httpx.AsyncClient(timeout=10) as client:
        answers = await asyncio.gather(*(_answer(client, host) for host in hosts))
    told = zip(hosts.items(), answers, strict=True)
    findings = [_source(host, names, answer) for (host, names), answer in told]
    clocks = (
        each for answer in answers if isinstance(answer, httpx.Response) for each in _clock(answer, now)
    )
    return [*findings, *([off] if (off := next(clocks, None)) else [])]


def _hosts(asked: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """By host, the sources that ask it; nothing else of a URL is shown, it may hold a key."""
    hosts: dict[str, list[str]] = {}
    for name, url in asked:
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
        names = hosts.setdefault(host, [])
        names += [name] if name not in names else []
    return hosts


async def _answer(client: httpx.AsyncClient, host: str) -> httpx.Response | Exception:
    try:
        return await client.head(host)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return error


def _source(host: str, names: list[str], answer: httpx.Response | Exception) -> Finding:
    if isinstance(answer, httpx.Response):
        return ok("source", f"{host} answers ({', '.join(names)})")
    reason = str(answer) or type(answer).__name__
    return fail("source", f"{host} ({', '.join(names)}): {reason}", "check network and proxy")


def _clock(answer: httpx.Response, now: datetime) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return
    off = abs((theirs - now).total_seconds())
    if off > CLOCK_TOLERANCE:
        yield fail("clock", f"{off:.0f} seconds off", "switch on NTP: timedatectl set-ntp true")
