"""Checks of the sources and other services: each host answers, and our clock agrees with theirs."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from urllib.parse import urlsplit

from digest.app.services import Services
from digest.models.errors import SourceError
from digest.sources.http.client import fetch_once
from digest.sources.http.response import Response
from digest.tools.doctor.findings import Finding, fail, ok

MAX_CLOCK_SKEW = 60.0  # seconds


async def check_sources(services: Services, now: datetime) -> list[Finding]:
    """Check every host that is read, all at once; report a wrong clock only once."""
    others = {"language model": services.settings.llm_url, "sign-in": services.settings.oidc_issuer}
    used = [(name, url) for name, url in others.items() if url]
    hosts = _group_by_host([*services.source_config.endpoints, *used])
    replies = await asyncio.gather(*map(_request, hosts))
    findings = [
        ok("source", f"{host} answers ({', '.join(names)})")
        if isinstance(reply, Response)
        else fail("source", f"{host} ({', '.join(names)}): {reply}", "check network and proxy")
        for (host, names), reply in zip(hosts.items(), replies, strict=True)
    ]
    skews = (
        finding for reply in replies if isinstance(reply, Response) for finding in _check_clock(reply, now)
    )
    return [*findings, *islice(skews, 1)]


def _group_by_host(endpoints: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the names of the sources by host; nothing else of a URL is shown, it may hold a key."""
    hosts: dict[str, list[str]] = {}
    for name, url in endpoints:
        parts = urlsplit(url)
        host = f"{parts.scheme}://{parts.hostname or ''}" + (f":{parts.port}" if parts.port else "")
        names = hosts.setdefault(host, [])
        names += [name] if name not in names else []
    return hosts


async def _request(host: str) -> Response | SourceError:
    try:
        return await fetch_once(host, method="HEAD", timeout=10.0, max_bytes=64 * 1024)
    except SourceError as error:
        return error


def _check_clock(reply: Response, now: datetime) -> Iterator[Finding]:
    try:
        their_time = parsedate_to_datetime(reply.headers.get("date", "")).astimezone(UTC)
    except ValueError:
        return
    skew = abs((their_time - now).total_seconds())
    if skew > MAX_CLOCK_SKEW:
        yield fail("clock", f"{skew:.0f} seconds off", "switch on NTP: timedatectl set-ntp true")
