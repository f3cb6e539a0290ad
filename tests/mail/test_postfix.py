"""Signed mails through a real Postfix to a server without 8BITMIME arrive unchanged."""

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.mail.examples import render_every_mail

SIGNED_HEADERS = (
    "from", "to", "subject", "date", "message-id", "reply-to", "mime-version", "content-type",
    "list-id", "list-unsubscribe", "list-unsubscribe-post",
)  # fmt: skip
MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.example.org
mydestination =
local_transport = error:nothing is local
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
relayhost = [127.0.0.1]:{sink}
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
maillog_file = {home}/log/mail.log
maillog_file_prefixes = {home}
"""
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
scache unix - - n - 1 scache
"""


@dataclass(frozen=True)
class Relay:
    """A running mail server, and the folder where its mails arrive."""

    port: int
    arrived: Path

    def send(self, raw: bytes) -> bytes:
        """Send a mail through the server and return what arrives."""
        before = set(self.arrived.iterdir())
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as server:
            server.sendmail("b+1@papers.example.org", ["ada@example.com"], raw)
        for _ in range(200):
            new = [
                file for file in set(self.arrived.iterdir()) - before if file.read_bytes().endswith(b"--\n\n")
            ]
            if new:
                return new[0].read_bytes()
            time.sleep(0.1)  # another program writes the file: there is nothing else to wait for
        pytest.fail("the mail did not arrive within 20 seconds")


@pytest.fixture(scope="module")
def relay() -> Iterator[Relay]:
    """Postfix with a private configuration, relaying to smtp-sink, which does not offer 8BITMIME."""
    if shutil.which("postfix") is None or shutil.which("smtp-sink") is None:
        pytest.skip("no Postfix here: apt-get install postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix must be started by root")
    home = Path(tempfile.mkdtemp(prefix="digest-postfix-"))
    home.chmod(0o755)
    port, sink = find_free_port(), find_free_port()
    for folder in ("queue", "data", "log", "etc", "arrived"):
        (home / folder).mkdir()
    shutil.chown(home / "data", "postfix")
    shutil.chown(home / "arrived", "nobody")
    (home / "etc" / "main.cf").write_text(MAIN_CF.format(home=home, sink=sink))
    (home / "etc" / "master.cf").write_text(MASTER_CF.format(port=port))
    sink_command = ["smtp-sink", "-8", "-u", "nobody", "-d", "%M.", f"127.0.0.1:{sink}", "100"]
    with subprocess.Popen(sink_command, cwd=home / "arrived", stderr=subprocess.DEVNULL) as sink_process:
        run_postfix("start", home)
        try:
            yield Relay(port, home / "arrived")
        finally:
            run_postfix("stop", home)
            sink_process.terminate()
    shutil.rmtree(home, ignore_errors=True)


def run_postfix(verb: str, home: Path) -> None:
    """Run a Postfix command on this private instance only."""
    subprocess.run(["postfix", "-c", str(home / "etc"), verb], check=True, capture_output=True, timeout=60)


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def sign(raw: bytes, key: RSAPrivateKey) -> bytes:
    """Sign a mail as the operator's relay would."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    headers = [name.encode() for name in SIGNED_HEADERS if f"\r\n{name}:".encode() in b"\r\n" + raw.lower()]
    signature: bytes = dkim.sign(raw, b"s", b"papers.example.org", private, include_headers=headers)
    return signature + raw


def is_signature_valid(raw: bytes, key: RSAPrivateKey) -> bool:
    """Check a signature as the reader's provider would."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    record = b"v=DKIM1; k=rsa; p=" + b64encode(public)
    return bool(dkim.verify(raw, dnsfunc=lambda *_, **__: record))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["digest", "confirm"])
def test_a_signed_mail_arrives_unchanged_and_its_signature_verifies(
    relay: Relay, key: RSAPrivateKey, name: str, language: str
) -> None:
    raw = render_every_mail(language)[name][1]
    arrived = relay.send(sign(raw, key)).replace(b"\n", b"\r\n")
    assert is_signature_valid(arrived[arrived.index(b"DKIM-Signature") :], key)
    assert arrived.partition(b"MIME-Version:")[2].rstrip() == raw.partition(b"MIME-Version:")[2].rstrip()
    unsubscribe = [line for line in raw.split(b"\r\n") if line.startswith(b"List-Unsubscribe:")]
    assert all(line in arrived.split(b"\r\n") for line in unsubscribe)
