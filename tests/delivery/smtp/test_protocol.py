"""Replies read from a connection: each within its own deadline."""

import asyncio

import pytest

from digest.delivery.smtp.protocol import ConnectionLost, SmtpProtocol


class Connection(asyncio.Transport):
    """A connection to nowhere."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Take any protocol."""

    def writelines(self, list_of_data: object) -> None:
        """Drop what is sent."""

    def abort(self) -> None:
        """Stay as it is."""


async def read_after(protocol: SmtpProtocol, *, seconds: float, max_wait: float) -> str:
    """Return the reply that comes after so many seconds."""
    protocol.write(b"NOOP\r\n")
    asyncio.get_running_loop().call_later(seconds, protocol.data_received, b"250 ok\r\n")
    return (await protocol.read_reply(max_wait)).text


@pytest.mark.parametrize("first", [60.0, 0.1])
async def test_each_reply_has_the_deadline_of_its_own_wait(first: float) -> None:
    protocol = SmtpProtocol(Connection())
    assert await read_after(protocol, seconds=0, max_wait=first) == "ok"
    assert await read_after(protocol, seconds=0.3, max_wait=5) == "ok"
    protocol.write(b"QUIT\r\n")
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionLost, match=r"^no reply in 0\.2 s$"):
            await protocol.read_reply(0.2)


async def test_only_expected_replies_are_skipped() -> None:
    protocol = SmtpProtocol(Connection())
    protocol.write(b"MAIL\r\nRCPT\r\nDATA\r\n", replies=3)
    protocol.data_received(b"250 ok\r\n250 ok\r\n")
    assert not protocol.skip_replies([250, 250, 354])
    protocol.data_received(b"354 go ahead\r\n")
    assert not protocol.skip_replies([250, 250, 250])
    assert protocol.skip_replies([250, 250, 354])
    assert not protocol.skip_replies([250])
