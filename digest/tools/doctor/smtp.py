"""Checks of the mail servers: connection, encryption, login and SMTP extensions."""

from collections.abc import Mapping
from datetime import datetime

from digest.app.services import Services
from digest.delivery.message import SendResult, SmtpStage, Unreachable
from digest.delivery.smtp.session import SmtpTimeouts
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport, Tls
from digest.mail.branding import Site
from digest.mail.mime import ascii_address
from digest.tools.doctor.findings import Finding, fail, ok, warn

AUTHENTICATION_REQUIRED = 530  # RFC 4954, 6
TIMEOUTS = SmtpTimeouts(connect=15, command=15)  # short: somebody waits at the terminal


async def check_mail_servers(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Check that every server of DIGEST_SMTP_URL can be reached and logged in to, and what it offers."""
    urls = services.settings.smtp_url.get_secret_value().split()
    if not urls:
        return [warn("mail server", "not set: emails are written to files", "set DIGEST_SMTP_URL")]
    return [
        finding for url in urls for finding in await _check_server(SmtpServerConfig.parse(url), services.site)
    ]


async def _check_server(server: SmtpServerConfig, site: Site) -> list[Finding]:
    name = f"{server.host}:{server.port}"
    try:
        connection = await SmtpTransport(server, local_hostname=site.domain, timeouts=TIMEOUTS).open()
    except Unreachable as error:
        return [fail("mail server", f"{name} {_describe_failure(error.result)}", _suggest_fix(error.result))]
    refusal = await connection.check_sender(ascii_address(site.sender))
    await connection.close()
    if refusal:
        return [fail("mail server", f"{name} {_describe_failure(refusal)}", _suggest_fix(refusal))]
    findings = [ok("mail server", f"{name} accepts our email"), _check_extensions(connection.extensions)]
    if server.tls is Tls.NONE and not server.is_loopback:
        findings.append(warn("mail encryption", "off", "set tls=required in DIGEST_SMTP_URL"))
    return findings


def _describe_failure(result: SendResult) -> str:
    """Return the SMTP stage and the server's reply, or why there was none."""
    if not result.code:
        return f"cannot be asked: {result.text}"
    return f"{result.stage}: {result.code} {result.text}"


def _check_extensions(extensions: Mapping[str, str]) -> Finding:
    """Check for the SMTP extensions that matter to us."""
    detail = " ".join(f"{name} {value}".strip() for name, value in sorted(extensions.items())).upper()
    if "smtputf8" not in extensions:
        return warn(
            "mail extensions",
            detail or "none",
            "no SMTPUTF8: addresses like jürgen@example.org cannot be reached",
        )
    if "pipelining" not in extensions:
        return warn("mail extensions", detail, "no PIPELINING: four round trips per email instead of one")
    return ok("mail extensions", detail)


def _suggest_fix(result: SendResult) -> str:
    if result.stage is SmtpStage.LOGIN and not result.code:  # it offers no AUTH here
        return "use tls=required in DIGEST_SMTP_URL, or leave user and password out"
    if result.code == AUTHENTICATION_REQUIRED:
        return "put user and password into DIGEST_SMTP_URL: smtp://user:password@host:port"
    if result.stage is SmtpStage.CONNECT:
        return "check host, port, firewall and certificate in DIGEST_SMTP_URL"
    if result.stage is SmtpStage.LOGIN:
        return "check user and password in DIGEST_SMTP_URL (percent-encode @ : /)"
    if result.code:
        return "set DIGEST_FROM to an address this server may send for"
    return "check the log of the mail server"
