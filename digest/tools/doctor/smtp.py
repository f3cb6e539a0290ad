"""Checks of the mail servers: connection, encryption, login and SMTP extensions."""

from collections.abc import Mapping
from datetime import datetime

from digest.app.services import Services
from digest.delivery.message import SendResult, Unreachable
from digest.delivery.smtp.session import SmtpTimeouts
from digest.delivery.smtp.transport import SmtpServerConfig, SmtpTransport, Tls
from digest.tools.doctor.findings import Finding, fail, ok, warn

TIMEOUTS = SmtpTimeouts(connect=15, command=15)  # short: somebody waits at the terminal


async def check_mail_servers(services: Services, now: datetime) -> list[Finding]:  # noqa: ARG001
    """Check that every server of DIGEST_SMTP_URL can be reached and logged in to, and what it offers."""
    urls = services.settings.smtp_url.get_secret_value().split()
    if not urls:
        return [warn("mail server", "not set: emails are written to files", "set DIGEST_SMTP_URL")]
    return [
        finding
        for url in urls
        for finding in await _check_server(SmtpServerConfig.parse(url), services.site.domain)
    ]


async def _check_server(server: SmtpServerConfig, local_hostname: str) -> list[Finding]:
    try:
        connection = await SmtpTransport(server, local_hostname=local_hostname, timeouts=TIMEOUTS).open()
        extensions = connection.extensions
        await connection.close()
    except Unreachable as error:
        return [
            fail(
                "mail server",
                f"{server.host}:{server.port} {_describe_failure(error.result)}",
                _suggest_fix(error),
            )
        ]
    findings = [
        ok("mail server", f"{server.host}:{server.port} accepts our email"),
        _check_extensions(extensions),
    ]
    if server.tls is Tls.NONE:
        findings.append(warn("mail encryption", "off", "use tls=required unless it is this machine"))
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


def _suggest_fix(error: Unreachable) -> str:
    return {
        "connect": "check host, port, firewall and certificate in DIGEST_SMTP_URL",
        "login": "check user and password in DIGEST_SMTP_URL (percent-encode @ : /)",
    }.get(str(error.result.stage), "check the log of the mail server")
