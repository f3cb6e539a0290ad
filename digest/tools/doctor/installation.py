"""Checks of the installation: settings, database, disk, and a digest as it would be sent now."""

import glob
import re
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from digest.app.services import Services
from digest.app.settings import PREFIX, find_misspelled_variables
from digest.app.suppression_key import check_suppression_key
from digest.delivery.bounces.mailbox import check_mailbox_url, check_maildir
from digest.models import Edition, Status, Subscriber
from digest.models.errors import ConfigError, DigestError
from digest.tools.doctor.findings import Finding, fail, ok, warn

MIN_SECRET_CHARS = 32
MIN_TOKEN_CHARS, GOOD_TOKEN_CHARS = 16, 20
MIN_FREE_BYTES = 500 * 2**20
MAX_HTML_BYTES = 80_000  # Gmail clips at about 102 KB
REQUIRED_HEADERS = ("List-Unsubscribe:", "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "List-Id:")
HARMLESS_SUFFIXES = {".instance", ".lock"}  # a meaningless number, and an empty file
HTTPS_FIX = "put a TLS proxy in front (deploy/Caddyfile), then set DIGEST_BASE_URL"
EXTRAS = {  # by setting: the extra that it needs, and that extra's packages
    "DIGEST_CHANNEL_HOSTS": ("channels", ("apprise", "cryptography")),
    "DIGEST_SNS_TOPICS": ("ses", ("cryptography",)),
    "DIGEST_OIDC_ISSUER": ("oidc", ("joserfc",)),
}
SAMPLE_READER = Subscriber(id=0, public_id="doctor", address="you@example.org", status=Status.CONFIRMED)


async def check_settings(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001  all checks take it
    """Check URL, keys, sender, extras and bounce mailbox, and that no setting is misspelled."""
    return [
        *_check_names(),
        *_check_base_url(services),
        *_check_secret_key(services),
        *_check_tokens(services),
        *_check_sender(services),
        *_check_extras(services),
        *_check_bounce_mailbox(services),
    ]


def _check_names() -> Iterator[Finding]:
    """Check for misspelled settings, which are silently ignored otherwise."""
    for name, suggestion in find_misspelled_variables().items():
        fix = f"did you mean {suggestion}?" if suggestion else "all settings: docs/reference/settings.md"
        yield warn("settings", f"there is no setting {name}", fix)


def _check_base_url(services: Services) -> Iterator[Finding]:
    url = urlsplit(services.settings.base_url)
    if url.hostname in ("127.0.0.1", "localhost", "::1"):
        yield warn(
            "base URL",
            f"{url.geturl()} is this machine: links in emails do not work elsewhere",
            "set DIGEST_BASE_URL, like https://papers.example.org",
        )
    elif url.scheme != "https":
        yield fail(
            "base URL",
            f"{url.geturl()} is not https: one-click unsubscribe needs it",
            HTTPS_FIX,
        )
    else:
        yield ok("base URL", url.geturl())


def _check_secret_key(services: Services) -> Iterator[Finding]:
    secret_key = services.settings.secret_key.get_secret_value()
    try:
        check_suppression_key(services.store, services.signing_keys[-1])
    except ConfigError as error:
        found, _, fix = str(error).partition(". ")
        yield fail("secret key", found, fix)
        return
    if not secret_key:
        yield ok(
            "secret key",
            "made by us, in the .key file beside the database",
            "include that file in your backups",
        )
    elif len(secret_key) < MIN_SECRET_CHARS:
        yield fail(
            "secret key",
            f"only {len(secret_key)} characters",
            "DIGEST_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(32))')",
        )
    else:
        yield ok("secret key", "long enough")


def _check_tokens(services: Services) -> Iterator[Finding]:
    for name in ("DIGEST_ADMIN_TOKEN", "DIGEST_VIEWER_TOKEN"):
        token = getattr(services.settings, name.removeprefix(PREFIX).lower()).get_secret_value()
        if 0 < len(token) < GOOD_TOKEN_CHARS:
            report = fail if len(token) < MIN_TOKEN_CHARS else warn
            yield report(
                "tokens",
                f"{name} has only {len(token)} characters and can be guessed",
                f"{name}=$(python3 -c 'import secrets; print(secrets.token_hex(16))')",
            )


def _check_sender(services: Services) -> Iterator[Finding]:
    if services.settings.postal_address:
        yield ok("postal address", "set")
    else:
        yield warn(
            "postal address", "not set; many countries require one in bulk email", "set DIGEST_POSTAL_ADDRESS"
        )
    if services.site.domain in ("localhost", ""):
        yield warn(
            "sender",
            f"{services.site.sender} cannot receive answers",
            "set DIGEST_FROM to an address at your own domain",
        )
    else:
        yield ok("sender", services.site.sender)


def _check_extras(services: Services) -> Iterator[Finding]:
    """Check that what the settings ask for is installed and complete."""
    settings = services.settings
    for variable, (extra, packages) in EXTRAS.items():
        if not getattr(settings, variable.removeprefix(PREFIX).lower()):
            continue
        missing = [name for name in packages if find_spec(name) is None]
        if missing:
            detail = f"{variable} is set, but {missing[0]} is not installed"
            yield fail(extra, detail, f"pip install 'trending-papers-digest[{extra}]'")
        elif extra == "oidc" and not settings.oidc_client_id:
            yield fail(extra, f"{variable} is set, but the client id is not", "set DIGEST_OIDC_CLIENT_ID")
        else:
            yield ok(extra, f"{variable} is set, and its extra is installed")


def _check_bounce_mailbox(services: Services) -> Iterator[Finding]:
    """Check the URL of the bounce mailbox, and that a Maildir exists."""
    if url := services.settings.bounce_mailbox.get_secret_value():
        try:
            check_mailbox_url(url)
            check_maildir(url)
        except ConfigError as error:
            yield fail("bounces", str(error), "correct DIGEST_BOUNCE_MAILBOX")
        else:
            yield ok("bounces", "DIGEST_BOUNCE_MAILBOX is read")


async def check_database(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Check the tables, free disk space, file permissions, and whether sending is paused."""
    differences = services.store.list_schema_differences()
    findings = [
        fail("database", "; ".join(differences), "run `digest db migrate`")
        if differences
        else ok("database", f"is at version {services.store.get_version()}")
    ]
    with services.store.begin(write=False) as tx:
        if tx.meta.pause_reason:
            findings.append(warn("sending", tx.meta.pause_reason, "run `digest db resume`"))
    free = shutil.disk_usage((services.store.file or Path.cwd()).resolve().parent).free
    detail = f"{free / 2**30:.1f} GB free"
    is_enough = free >= MIN_FREE_BYTES
    findings.append(
        ok("disk", detail)
        if is_enough
        else fail("disk", detail, "free some space: a full disk stops all sending")
    )
    return [
        *findings,
        *_check_permissions(services.store.file),
        *_check_outbox(services.settings.outbox_dir),
    ]


def _check_permissions(database: Path | None) -> Iterator[Finding]:
    """Check that no other user of the machine can read the database and its copies.

    Early versions created them readable by everybody. Such files are only reported, not changed, as it may be
    intended; new files are readable by their owner only.
    """
    if database is None or not database.absolute().parent.stat().st_mode & stat.S_IXOTH:
        return
    siblings = database.absolute().parent.glob(f"{glob.escape(database.name)}*")
    exposed = [
        path.name
        for path in siblings
        if path.stat().st_mode & stat.S_IROTH and path.suffix not in HARMLESS_SUFFIXES
    ]
    if exposed:
        detail = f"{', '.join(sorted(exposed))}: every user of this machine can read the addresses"
        yield warn("privacy", detail, f"chmod go= {database}*")


def _check_outbox(folder: Path) -> Iterator[Finding]:
    """Check that no other user of the machine can read mails in the outbox, as in early versions."""
    if folder.is_dir() and folder.stat().st_mode & (stat.S_IROTH | stat.S_IXOTH):
        detail = f"{folder}: every user of this machine can read the emails, whose links sign subscribers in"
        yield warn("privacy", detail, f"chmod go= {folder}")


async def check_digest(services: Services, now: datetime) -> list[Finding]:
    """Check headers, signature and size of a digest as it would be sent now."""
    try:
        edition = services.build_upcoming_edition(SAMPLE_READER, now)
        email = services.message_builder.render_email(edition)
        raw = services.message_builder.build_digest(edition)
    except DigestError as error:
        return [fail("digest", str(error), "fix the template or setting it names")]
    signer = services.message_builder.signer
    return [
        _check_headers(raw),
        *_check_signature(signer.sign(raw) if signer else b""),
        _check_size(email.html, edition),
    ]


def _check_headers(raw: bytes) -> Finding:
    head = raw.partition(b"\r\n\r\n")[0].decode()
    missing = [name for name in REQUIRED_HEADERS if name not in head]
    if missing:
        return fail("headers", f"missing: {', '.join(missing)}", "report this as a bug")
    if "<https://" not in re.sub(r"\s+", "", head.partition("List-Unsubscribe:")[2].partition("\nL")[0]):
        return warn("headers", "one-click unsubscribe is not https: no provider shows it", HTTPS_FIX)
    return ok("headers", "List-Id and one-click unsubscribe are in place")


def _check_signature(header: bytes) -> Iterator[Finding]:
    """Check that the signature covers one-click unsubscribe, which does not count otherwise (RFC 8058, 4)."""
    if not header:
        return
    covered = re.sub(rb"\s", b"", header.partition(b"h=")[2].partition(b";")[0]).lower().split(b":")
    if {b"list-unsubscribe", b"list-unsubscribe-post"} <= set(covered):
        yield ok("signature", "covers one-click unsubscribe")
    else:
        yield fail("signature", "does not cover one-click unsubscribe", "report this as a bug")


def _check_size(html: str, edition: Edition) -> Finding:
    size = len(html.encode())
    if not edition.picks:
        return warn("digest", "nothing to send now", "run `digest fetch`, then look again")
    if size > MAX_HTML_BYTES:
        return fail("digest", f"{size:,} bytes of HTML; Gmail clips it", "shorten the template")
    return ok("digest", f"{len(edition.picks)} papers, {size:,} bytes of HTML")
