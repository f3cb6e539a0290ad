"""Who trickles a request is hung up on; who asks in time is answered, as often as they ask."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import ClassVar

import h11
import pytest
from fastapi import FastAPI

from digest.web.server import Impatient, address_of, listening, server

SOON = 0.2  # seconds
HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
FORM = b"Host: here\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\n"
BODY = b"POST /subscribe HTTP/1.1\r\n" + FORM + b"email="


class Hasty(Impatient):
    """The same, for tests."""

    within: ClassVar = dict.fromkeys((h11.IDLE, h11.SEND_BODY), SOON)


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    with closing(listening("127.0.0.1", 0)) as bound:
        pages = server(app, protocol=Hasty)
        pages.config.lifespan = "off"
        serving = asyncio.create_task(pages.serve([bound]))
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            pages.should_exit = True
            await serving


@pytest.mark.parametrize(
    "started", [b"", b"GET / HT", HEAD, BODY], ids=["nothing", "a line", "a head", "a body"]
)
async def test_a_request_that_does_not_end_is_hung_up_on(
    app: FastAPI, started: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(app) as (reader, writer):
        writer.write(started)
        assert await asyncio.wait_for(reader.read(), 10) == b""
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_trickling_does_not_buy_time(app: FastAPI) -> None:
    async with connected(app) as (reader, writer):
        ended = asyncio.ensure_future(reader.read())
        for _ in range(40):
            writer.write(b"G")
            if (await asyncio.wait([ended], timeout=SOON / 4))[0]:
                break
        assert ended.done()


async def test_a_connection_is_kept_for_as_many_requests_as_come(app: FastAPI) -> None:
    async with connected(app) as (reader, writer):
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)


async def test_the_address_of_a_socket_is_one_a_browser_can_open() -> None:
    with closing(listening("0.0.0.0", 0)) as bound:  # noqa: S104  closed at once
        assert address_of(bound).startswith("http://127.0.0.1:")
    with closing(listening("::1", 0)) as bound:
        assert address_of(bound).startswith("http://[::1]:")


def test_no_body_waits_until_its_head_is_acknowledged() -> None:
    with (
        closing(listening("127.0.0.1", 0)) as bound,
        socket.create_connection(bound.getsockname()),
        closing(bound.accept()[0]) as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
