"""The bounce mailbox on a real IMAP server: read once, flagged, and never read again."""

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.delivery.bounces.mailbox import BounceRunSummary, open_mailbox, read_bounces
from digest.models.errors import DeliveryError

USER, PASSWORD = "demouser", "demopass"
LEAVING = b"To: <unsubscribe+abcdefgh1234@localhost>\r\nSubject: x\r\n\r\nPlease.\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of its own process, with a few old mails in the inbox."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("pymap")), "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen([*command, "dict", "--demo-data"], stderr=subprocess.DEVNULL) as server:
        _wait_for(port)
        yield port
        server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)  # another process comes up; there is nothing to wait on
        else:
            return
    raise AssertionError("the IMAP server did not come up")


def _read(port: int) -> tuple[BounceRunSummary, list[str]]:
    left: list[str] = []

    def leave(token: str) -> bool:
        left.append(token)
        return True

    with open_mailbox(f"imap://{USER}:{PASSWORD}@127.0.0.1:{port}/INBOX") as box:
        return read_bounces(box, lambda _: True, keys=[b"key"], leave=leave), left


def test_each_mail_is_read_once(port: int) -> None:
    _read(port)  # what lay there before
    with imaplib.IMAP4("127.0.0.1", port) as server:
        server.login(USER, PASSWORD)
        server.append("INBOX", "", "", LEAVING)
    assert _read(port) == (BounceRunSummary(read=1, heard=0, ignored=0, left=1), ["abcdefgh1234"])
    assert _read(port) == (BounceRunSummary(), [])


def test_a_wrong_password_is_a_sentence_without_the_password(port: int) -> None:
    url = f"imap://{USER}:wrong-password@127.0.0.1:{port}/INBOX"
    with pytest.raises(DeliveryError) as refused, open_mailbox(url) as box:
        list(box.unread())
    assert "127.0.0.1" in str(refused.value)
    assert "wrong-password" not in str(refused.value)
