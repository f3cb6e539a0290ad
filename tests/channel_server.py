"""A server on loopback that hears what channels send: by HTTP, and for any host by TLS through its proxy.

Services with an address of their own (Slack, Discord, Telegram, Zulip) are reached by CONNECT, as through a
company's proxy, and answered with a certificate of our own authority.
"""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOSTS = ("hooks.slack.com", "slack.com", "discord.com", "api.telegram.org", "org.zulipchat.com", "ntfy.sh")
# What Matrix's steps and Slack's webhook want to read.
GOOD = b'{"ok": true, "user_id": "@a:b", "home_server": "b", "room_id": "!r:b", "event_id": "e", "id": 1}'


@dataclass(frozen=True)
class HeardRequest:
    """One request: the host it was for, method, path and body."""

    host: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ChannelServer:
    """Where it listens, what it heard, and what it answers."""

    port: int
    authority: Path  # certificates that clients must trust
    heard: list[HeardRequest] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # statuses, in turn; then 200. 0: hang up without one
    location: str = ""  # of redirects
    flood: bytes = b""  # sent after each answer's header, again and again
    pause: float = 0.0  # seconds between two of them
    floods_ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def proxy(self) -> str:
        """The URL of the proxy."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def serve_channels(folder: Path) -> Iterator[ChannelServer]:
    """Run the server; its certificates are written to *folder*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = _write_certificates(folder)
    context.load_cert_chain(folder / "server.pem")
    listener = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server = ChannelServer(listener.server_port, authority)
    listener.channel_server, listener.tls = server, context  # type: ignore[attr-defined]
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tunnel = ""  # the host behind it

    def do_CONNECT(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.tunnel = self.path.partition(":")[0]
        try:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)  # type: ignore[attr-defined]
        except OSError:
            self.close_connection = True
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # the TLS side of a tunnel, which the library does not know

    def _answer(self) -> None:
        server: ChannelServer = self.server.channel_server  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        host = self.tunnel or self.headers["host"].partition(":")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        server.heard.append(HeardRequest(host, self.command, self.path, headers, body))
        status = server.answers.pop(0) if server.answers else 200
        self.close_connection = True
        if not status:
            return
        answer = b"ok" if host == "hooks.slack.com" and status == 200 else GOOD
        self.send_response(status)
        if server.location:
            self.send_header("location", server.location)
        if server.flood:
            self._flood(server)
            return
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _flood(self, server: ChannelServer) -> None:
        self.end_headers()
        try:
            while True:
                self.wfile.write(server.flood)
                time.sleep(server.pause)
        except OSError:  # the client is gone
            server.floods_ended.release()

    do_GET = do_POST = do_PUT = _answer  # noqa: N815  the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _write_certificates(folder: Path) -> Path:
    """Write a certificate for all hosts, signed by an authority of its own; return the authority's file."""
    now = datetime.now(UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "server")]
    certificates = []
    for number in range(2):
        builder = (
            x509.CertificateBuilder()
            .subject_name(names[number])
            .issuer_name(names[0])
            .public_key(keys[number].public_key())
            .serial_number(number + 1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
        )
        for extension, critical in _list_extensions(keys[0].public_key(), is_authority=not number):
            builder = builder.add_extension(extension, critical=critical)
        certificates.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(certificates[1] + key)
    authority = folder / "authority.pem"
    authority.write_bytes(certificates[0])
    return authority


def _list_extensions(
    issuer: ec.EllipticCurvePublicKey, *, is_authority: bool
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    """Yield the extensions that ssl wants from Python 3.13 on (RFC 5280), and whether each is critical."""
    yield x509.BasicConstraints(ca=is_authority, path_length=None), True
    yield x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False
    if is_authority:
        yield x509.SubjectKeyIdentifier.from_public_key(issuer), False
        usages = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
        others = ("key_agreement", "crl_sign", "encipher_only", "decipher_only")
        yield x509.KeyUsage(key_cert_sign=True, **dict.fromkeys((*usages, *others), False)), True
    else:
        yield x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS]), False
