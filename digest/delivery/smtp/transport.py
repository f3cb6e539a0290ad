"""Opening connections to a mail server: aiosmtplib connects, starts TLS and logs in."""

import math
import re
import ssl
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from digest.delivery.message import SendResult, SmtpStage, Unreachable
from digest.delivery.smtp.protocol import SmtpProtocol
from digest.delivery.smtp.session import SmtpConnection, SmtpTimeouts
from digest.models.errors import ConfigError


class Tls(StrEnum):
    """How the connection is secured. There is no "if possible": that would not be secure."""

    REQUIRED = "required"  # STARTTLS, or nothing is sent
    IMPLICIT = "implicit"  # TLS from the first byte
    NONE = "none"


_HOW_TO_WRITE_IT = (
    "Write smtp://user:password@host:port?tls=required. In the user name and the password, percent-encode "
    "every sign but letters and digits: / is %2F, @ is %40, : is %3A, # is %23, ? is %3F, % is %25, + is %2B."
)
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+(%[\w.-]+)?", re.IGNORECASE)  # a name, an IPv4 or an IPv6 address
PORTS = {Tls.REQUIRED: 587, Tls.IMPLICIT: 465, Tls.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServerConfig:
    """A mail server as set in `DIGEST_SMTP_URL`."""

    host: str
    port: int
    tls: Tls = Tls.REQUIRED
    username: str = ""
    password: str = field(default="", repr=False)
    weight: float = 1.0  # share of the messages among several servers; 0: only when the others are down

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        return _is_loopback(self.host)

    @classmethod
    def parse(cls, url: str) -> "SmtpServerConfig":
        """Parse smtp://user:pass@host:port?tls=required|implicit|none&weight=1, percent-encoded.

        Without `tls` it is required, except for loopback addresses. Raises ConfigError, whose message repeats
        nothing of the URL: any part of it may be a piece of the password.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ConfigError(f"DIGEST_SMTP_URL cannot be read. {_HOW_TO_WRITE_IT}") from None
        is_cut = parts.path not in ("", "/") or parts.fragment or "@" in parts.query
        if parts.scheme not in ("smtp", "smtps") or not host or is_cut or not _HOST.fullmatch(host):
            raise ConfigError(f"DIGEST_SMTP_URL cannot be read. {_HOW_TO_WRITE_IT}")
        query = parse_qs(parts.query)
        tls = _parse_tls(parts.scheme, query, host, port)
        return cls(
            host=host,
            port=port or PORTS[tls],
            tls=tls,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            weight=_parse_weight(query),
        )


def _parse_weight(query: dict[str, list[str]]) -> float:
    text = query.get("weight", ["1"])[-1]
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < math.inf:
        raise ConfigError("DIGEST_SMTP_URL: weight must be a number, at least 0.")
    return weight


def _parse_tls(scheme: str, query: dict[str, list[str]], host: str, port: int | None) -> Tls:
    text = query.get("tls", [""])[-1]
    if text and text not in set(Tls):
        raise ConfigError("DIGEST_SMTP_URL: tls is not one of required, implicit, none.")
    if text:
        return Tls(text)
    if scheme == "smtps" or port == PORTS[Tls.IMPLICIT]:
        return Tls.IMPLICIT
    return Tls.NONE if _is_loopback(host) else Tls.REQUIRED


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """Opens connections to one mail server."""

    server: SmtpServerConfig
    _: KW_ONLY
    local_hostname: str | None = None
    tls_context: ssl.SSLContext | None = None
    timeouts: SmtpTimeouts = field(default_factory=SmtpTimeouts)
    pipelining: bool = True

    async def open(self) -> SmtpConnection:
        """Connect, secure and log in. Raises Unreachable."""
        client = aiosmtplib.SMTP(
            hostname=self.server.host,
            port=self.server.port,
            local_hostname=self.local_hostname,
            use_tls=self.server.tls is Tls.IMPLICIT,
            start_tls=self.server.tls is Tls.REQUIRED,  # never None: that would mean "if possible"
            tls_context=self.tls_context,
            timeout=self.timeouts.connect,
        )
        try:
            await self._connect(client)
            await self._log_in(client)
            protocol = SmtpProtocol(client.transport)  # type: ignore[arg-type]  # a base class in name only
            return SmtpConnection(
                protocol, client.esmtp_extensions, timeouts=self.timeouts, pipelining=self.pipelining
            )
        except BaseException:
            client.close()
            raise

    async def _connect(self, client: aiosmtplib.SMTP) -> None:
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:  # ValueError: it cannot be parsed
            raise Unreachable(_to_result(SmtpStage.CONNECT, error)) from error

    async def _log_in(self, client: aiosmtplib.SMTP) -> None:
        if not self.server.username:
            return
        try:
            await client.login(self.server.username, self.server.password)
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError, ValueError) as error:
            raise Unreachable(_to_result(SmtpStage.CONNECT, error)) from error
        except aiosmtplib.SMTPException as error:
            raise Unreachable(_to_result(SmtpStage.LOGIN, error)) from error


def _to_result(stage: SmtpStage, error: Exception) -> SendResult:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        # Bytes that are no UTF-8 came as halves of letters, which no database and no stream takes.
        return SendResult(stage, error.code, error.message.encode(errors="replace").decode())
    return SendResult(stage, 0, str(error) or type(error).__name__)
