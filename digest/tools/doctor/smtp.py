"""Does the mail server take our mail? Reached, secured, logged in, and asked what it offers."""

from collections.abc import Mapping
from datetime import datetime

from digest.app.services import Services
from digest.delivery.message import SendResult, Unreachable
from digest.delivery.smtp.session import Patience
from digest.delivery.smtp.transport import Server, SmtpTransport, Tls
from digest.tools.doctor.findings import Finding, fail, ok, warn

PATIENCE = Patience(connect=15, command=15)  # somebody sits and waits


async def mail_server(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Reachable, encrypted, logged in, and what it offers."""
    urls = services.settings.smtp_url.get_secret_value().split()
    if not urls:
        return [warn("mail server", "not set: mails are written to files", "set DIGEST_SMTP_URL")]
    return [finding for url in urls for finding in await _one(Server.parse(url), services.site.domain)]


async def _one(server: Server, local_hostname: str) -> list[Finding]:
    try:
        line = await SmtpTransport(server, local_hostname=local_hostname, patience=PATIENCE).open()
        offers = line.offers
        await line.close()
    except Unreachable as error:
        return [fail("mail server", f"{server.host}:{server.port} {_told(error.outcome)}", _smtp_fix(error))]
    found = [ok("mail server", f"{server.host}:{server.port} takes our mail"), _offered(offers)]
    if server.tls is Tls.NONE:
        found.append(warn("mail encryption", "off", "use tls=required unless it is this machine"))
    return found


def _told(outcome: SendResult) -> str:
    """What the server answered, and to what; or why it could not be asked."""
    answered = f"{outcome.step}: {outcome.code} {outcome.text}"
    return answered if outcome.code else f"cannot be asked: {outcome.text}"


def _offered(offers: Mapping[str, str]) -> Finding:
    """What the server can do beyond plain SMTP, as far as it matters to us."""
    said = " ".join(f"{name} {value}".strip() for name, value in sorted(offers.items())).upper()
    if "smtputf8" not in offers:
        return warn(
            "mail extensions",
            said or "none",
            "no SMTPUTF8: addresses like jürgen@example.org cannot be written to; ask for it if you have any",
        )
    if "pipelining" not in offers:
        return warn("mail extensions", said, "no PIPELINING: four round trips a mail instead of one")
    return ok("mail extensions", said)


def _smtp_fix(error: Unreachable) -> str:
    return {
        "connect": "check host, port, firewall and certificate in DIGEST_SMTP_URL",
        "login": "check user and password in DIGEST_SMTP_URL (percent-encode @ : /)",
    }.get(str(error.outcome.step), "look at the mail server's log")
