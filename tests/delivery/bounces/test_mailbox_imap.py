"""The bounce mailbox on a real IMAP server: each message is read once."""

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
UNSUBSCRIBE = b"To: <unsubscribe+abcdefgh1234@localhost>\r\nSubject: x\r\n\r\nPlease.\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of an IMAP server in its own process, with a few messages in the inbox."""
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
            time.sleep(0.05)  # another process is starting; there is no event to wait for
        else:
            return
    raise AssertionError("the IMAP server did not come up")


def _read(port: int) -> tuple[BounceRunSummary, list[str]]:
    tokens: list[str] = []

    def unsubscribe(token: str) -> bool:
        tokens.append(token)
        return True

    with open_mailbox(f"imap://{USER}:{PASSWORD}@127.0.0.1:{port}/INBOX") as mailbox:
        summary = read_bounces(mailbox, lambda _: True, keys=[b"key"], unsubscribe=unsubscribe)
    return summary, tokens


def test_each_mail_is_read_once(port: int) -> None:
    _read(port)  # the messages that were there before
    with imaplib.IMAP4("127.0.0.1", port) as server:
        server.login(USER, PASSWORD)
        server.append("INBOX", "", "", UNSUBSCRIBE)
    assert _read(port) == (BounceRunSummary(read=1, heard=0, ignored=0, left=1), ["abcdefgh1234"])
    assert _read(port) == (BounceRunSummary(), [])


def test_wrong_password_gives_an_error_without_the_password(port: int) -> None:
    url = f"imap://{USER}:wrong-password@127.0.0.1:{port}/INBOX"
    with pytest.raises(DeliveryError) as raised, open_mailbox(url) as mailbox:
        list(mailbox.unread())
    assert "127.0.0.1" in str(raised.value)
    assert "wrong-password" not in str(raised.value)
