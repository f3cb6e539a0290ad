"""Is the house itself in order? Its settings, its database, its disk, and a digest as it would go out."""

import glob
import re
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from digest.app.services import Services
from digest.app.settings import misspelt
from digest.models import Edition, Status, Subscriber
from digest.models.errors import DigestError
from digest.pipeline import plan
from digest.tools.doctor.findings import Finding, fail, ok, warn

LEAST_SECRET = 32  # characters
LEAST_DISK = 500 * 2**20
LARGEST_MAIL = 80_000  # bytes of HTML; Gmail clips at about 102 KB
ONE_CLICK = ("List-Unsubscribe:", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "List-Id:")
HTTPS = "put a TLS proxy in front (deploy/Caddyfile), then set DIGEST_BASE_URL"
READER = Subscriber(id=0, pid="doctor", address="you@example.org", status=Status.CONFIRMED)


async def settings(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001  a check among checks
    """Base URL, secret, postal address and sender."""
    return [*_names(), *_base_url(services), *_secret(services), *_imprint(services)]


def _names() -> Iterator[Finding]:
    """A setting with a slip in its name is silently none."""
    for name, meant in misspelt().items():
        fix = f"is {meant} meant?" if meant else "the settings there are: docs/install.md"
        yield warn("settings", f"there is no setting {name}", fix)


def _base_url(services: Services) -> Iterator[Finding]:
    url = urlsplit(services.settings.base_url)
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
            HTTPS,
        )
    else:
        yield ok("base URL", url.geturl())


def _secret(services: Services) -> Iterator[Finding]:
    given = services.settings.secret_key.get_secret_value()
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


def _imprint(services: Services) -> Iterator[Finding]:
    if services.settings.postal_address:
        yield ok("postal address", "set")
    else:
        yield warn(
            "postal address", "not set; many countries require one in bulk mail", "set DIGEST_POSTAL_ADDRESS"
        )
    if services.site.domain in ("localhost", ""):
        yield warn(
            "sender",
            f"{services.site.sender} is no address anybody can answer",
            "set DIGEST_FROM to an address at a domain of yours",
        )
    else:
        yield ok("sender", services.site.sender)


async def database(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Tables, disk and whether sending is paused."""
    differences = services.store.differences()
    findings = [
        fail("database", "; ".join(differences), "run `digest db migrate`")
        if differences
        else ok("database", f"stands at {services.store.version()}")
    ]
    with services.store.begin(write=False) as tx:
        if tx.meta.paused:
            findings.append(warn("sending", tx.meta.paused, "run `digest db resume`"))
    free = shutil.disk_usage((services.store.file or Path.cwd()).resolve().parent).free
    room = f"{free / 2**30:.1f} GB free"
    enough = free >= LEAST_DISK
    findings.append(ok("disk", room) if enough else fail("disk", room, "make room: a full disk stops mail"))
    return [*findings, *_privacy(services.store.file)]


def _privacy(database: Path | None) -> Iterator[Finding]:
    """Early versions left the database and its copies open to the whole machine.

    They stay so, as the operator may have meant it; what we make now is its owner's alone.
    """
    if database is None or not database.absolute().parent.stat().st_mode & stat.S_IXOTH:
        return
    beside = database.absolute().parent.glob(f"{glob.escape(database.name)}*")
    exposed = [path.name for path in beside if path.stat().st_mode & stat.S_IROTH and _tells(path)]
    if exposed:
        told = f"{', '.join(sorted(exposed))}: every user of this machine can read the addresses"
        yield warn("privacy", told, f"chmod go= {database}*")


def _tells(path: Path) -> bool:
    return path.suffix not in {".instance", ".lock"}  # a number that says nothing, and an empty file


async def digest_mail(services: Services, now: datetime) -> list[Finding]:
    """Headers and size of a digest as it would go out now."""
    try:
        edition = plan.upcoming(services.store, READER, now, vectors=services.vectors)
        email, raw = services.letters.email(edition), services.letters.digest(edition)
    except DigestError as error:
        return [fail("digest", str(error), "mend the template or setting it names")]
    signer = services.letters.signer
    return [_headers(raw), *_signature(signer.signed(raw) if signer else b""), _size(email.html, edition)]


def _headers(raw: bytes) -> Finding:
    head = raw.partition(b"\r\n\r\n")[0].decode()
    missing = [name for name in ONE_CLICK if name not in head]
    if missing:
        return fail("headers", f"missing: {', '.join(missing)}", "report this as a bug")
    if "<https://" not in re.sub(r"\s+", "", head.partition("List-Unsubscribe:")[2].partition("\nL")[0]):
        return warn("headers", "one-click unsubscribe is not https: no provider shows it", HTTPS)
    return ok("headers", "List-Id and one-click unsubscribe are in place")


def _signature(signed: bytes) -> Iterator[Finding]:
    """One-click counts only where the signature covers it (RFC 8058, 4)."""
    if not signed:
        return
    covered = re.sub(rb"\s", b"", signed.partition(b"h=")[2].partition(b";")[0]).lower().split(b":")
    if {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(covered):
        yield ok("signature", "covers one-click unsubscribe")
    else:
        yield fail("signature", "does not cover one-click unsubscribe", "report this as a bug")


def _size(html: str, edition: Edition) -> Finding:
    size = len(html.encode())
    if not edition.picks:
        return warn("digest", "nothing to send now", "run `digest fetch`, then look again")
    if size > LARGEST_MAIL:
        return fail("digest", f"{size:,} bytes of HTML; Gmail clips it", "shorten the template")
    return ok("digest", f"{len(edition.picks)} papers, {size:,} bytes of HTML")
