"""Is everything set up right? Checks that each end in OK, WARN or FAIL, with what to do."""

import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.resolver
import httpx

from digest import editions
from digest.app import House
from digest.deliver.letter import Unreachable
from digest.deliver.smtp import Server, SmtpTransport, Tls
from digest.errors import DigestError
from digest.model import Edition, Status, Subscriber

LEAST_SECRET = 32  # characters
LEAST_DISK = 500 * 2**20
CLOCK_TOLERANCE = 60.0  # seconds
LARGEST_MAIL = 80_000  # bytes of HTML; Gmail clips at about 102 KB
ONE_CLICK = ("List-Unsubscribe:", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "List-Id:")
READER = Subscriber(id=0, pid="doctor", address="you@example.org", status=Status.CONFIRMED)


class Verdict(StrEnum):
    """How a check came out."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what was looked at, how it stands, and what to do about it."""

    check: str
    verdict: Verdict
    detail: str
    fix: str = ""


def ok(check: str, detail: str, fix: str = "") -> Finding:
    """All is well."""
    return Finding(check, Verdict.OK, detail, fix)


def warn(check: str, detail: str, fix: str) -> Finding:
    """It works, but not as it should."""
    return Finding(check, Verdict.WARN, detail, fix)


def fail(check: str, detail: str, fix: str) -> Finding:
    """It does not work, or mail will not arrive."""
    return Finding(check, Verdict.FAIL, detail, fix)


Check = Callable[[House, datetime], Awaitable[Sequence[Finding]]]


async def examine(house: House, now: datetime, *, offline: bool = False) -> list[Finding]:
    """Every check, in the order in which problems should be mended; no check harms the others."""
    findings: list[Finding] = []
    for check in LOCAL if offline else (*LOCAL, *REMOTE):
        findings += await check(house, now)
    return findings


async def settings(house: House, now: datetime) -> list[Finding]:  # noqa: ARG001  a check among checks
    """Base URL, secret, postal address and sender."""
    return [*_base_url(house), *_secret(house), *_imprint(house)]


def _base_url(house: House) -> Iterator[Finding]:
    url = urlsplit(house.settings.base_url)
    if url.hostname in ("127.0.0.1", "localhost", "::1"):
        yield warn(
            "base URL",
            f"{url.geturl()} is this machine: its links lead nowhere",
            "set DIGEST_BASE_URL, like https://papers.example.org",
        )
    elif url.scheme != "https":
        yield fail(
            "base URL",
            f"{url.geturl()} is not https: one-click unsubscribe needs it",
            "put a TLS proxy in front (deploy/Caddyfile), then set DIGEST_BASE_URL",
        )
    else:
        yield ok("base URL", url.geturl())


def _secret(house: House) -> Iterator[Finding]:
    given = house.settings.secret_key.get_secret_value()
    if not given:
        yield ok(
            "secret key",
            "made by us, in the .key file beside the database",
            "include that file in your backups",
        )
    elif len(given) < LEAST_SECRET:
        yield fail(
            "secret key",
            f"only {len(given)} characters",
            "DIGEST_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(32))')",
        )
    else:
        yield ok("secret key", "long enough")


def _imprint(house: House) -> Iterator[Finding]:
    if house.settings.postal_address:
        yield ok("postal address", "set")
    else:
        yield warn(
            "postal address", "not set; many countries require one in bulk mail", "set DIGEST_POSTAL_ADDRESS"
        )
    if house.site.domain in ("localhost", ""):
        yield warn(
            "sender",
            f"{house.site.sender} is no address anybody can answer",
            "set DIGEST_FROM to an address at a domain of yours",
        )
    else:
        yield ok("sender", house.site.sender)


async def database(house: House, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Tables, disk and whether sending is paused."""
    differences = house.store.differences()
    findings = [
        fail("database", "; ".join(differences), "run `digest db migrate`")
        if differences
        else ok("database", f"stands at {house.store.version()}")
    ]
    with house.store.begin(write=False) as tx:
        if tx.meta.paused:
            findings.append(warn("sending", tx.meta.paused, "run `digest db resume`"))
    free = shutil.disk_usage((house.store.file or Path.cwd()).resolve().parent).free
    room = f"{free / 2**30:.1f} GB free"
    enough = free >= LEAST_DISK
    findings.append(ok("disk", room) if enough else fail("disk", room, "make room: a full disk stops mail"))
    return findings


async def digest_mail(house: House, now: datetime) -> list[Finding]:
    """Headers and size of a digest as it would go out now."""
    try:
        edition = editions.upcoming(house.store, READER, now, vectors=house.vectors)
        email, raw = house.letters.email(edition), house.letters.digest(edition)
    except DigestError as error:
        return [fail("digest", str(error), "mend the template or setting it names")]
    return [_headers(raw), _size(email.html, edition)]


def _headers(raw: bytes) -> Finding:
    head = raw.partition(b"\r\n\r\n")[0].decode()
    missing = [name for name in ONE_CLICK if name not in head]
    if missing:
        return fail("headers", f"missing: {', '.join(missing)}", "report this as a bug")
    return ok("headers", "List-Id and one-click unsubscribe are in place")


def _size(html: str, edition: Edition) -> Finding:
    size = len(html.encode())
    if not edition.picks:
        return warn("digest", "nothing to send now", "run `digest fetch`, then look again")
    if size > LARGEST_MAIL:
        return fail("digest", f"{size:,} bytes of HTML; Gmail clips it", "shorten the template")
    return ok("digest", f"{len(edition.picks)} papers, {size:,} bytes of HTML")


async def mail_server(house: House, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Reachable, encrypted, logged in, and what it offers."""
    url = house.settings.smtp_url.get_secret_value()
    if not url:
        return [warn("mail server", "not set: mails are written to files", "set DIGEST_SMTP_URL")]
    server = Server.parse(url)
    try:
        line = await SmtpTransport(server, local_hostname=house.site.domain).open()
        await line.close()
    except Unreachable as error:
        return [fail("mail server", f"{server.host}:{server.port} {error}", _smtp_fix(error))]
    found = [ok("mail server", f"{server.host}:{server.port} takes our mail")]
    if server.tls is Tls.NONE:
        found.append(warn("mail encryption", "off", "use tls=required unless it is this machine"))
    return found


def _smtp_fix(error: Unreachable) -> str:
    return {
        "connect": "check host, port, firewall and certificate in DIGEST_SMTP_URL",
        "login": "check user and password in DIGEST_SMTP_URL (percent-encode @ : /)",
    }.get(str(error.outcome.step), "look at the mail server's log")


async def dns_records(house: House, now: datetime) -> list[Finding]:  # noqa: ARG001
    """SPF and DMARC of the sender's domain; DKIM keys cannot be listed, so the relay must be asked."""
    domain = house.site.domain
    if "." not in domain:
        return []
    spf, dmarc = await _txt(domain, "v=spf1"), await _txt(f"_dmarc.{domain}", "v=DMARC1")
    return [
        _record("SPF", domain, spf, f'add a TXT record at {domain}: "v=spf1 include:YOUR-RELAY ~all"'),
        _record("DMARC", domain, dmarc, f'add a TXT record at _dmarc.{domain}: "v=DMARC1; p=none"'),
    ]


def _record(name: str, domain: str, found: str | None, fix: str) -> Finding:
    if found is None:
        return warn(name, "the name server could not be asked", "look again with a network")
    if not found:
        return fail(name, f"{domain} has no {name} record", fix)
    return ok(name, found[:80])


async def _txt(name: str, beginning: str) -> str | None:
    """The TXT record that begins so; empty when there is none, None when nobody could be asked."""
    try:
        answer = await dns.asyncresolver.resolve(name, "TXT", lifetime=5.0)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ""
    except dns.exception.DNSException:
        return None
    texts = (b"".join(record.strings).decode("ascii", "replace") for record in answer)
    return next((text for text in texts if text.startswith(beginning)), "")


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


LOCAL: tuple[Check, ...] = (settings, database, digest_mail)
REMOTE: tuple[Check, ...] = (mail_server, dns_records, world)
