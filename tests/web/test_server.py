"""The HTTP server: timeouts of slow requests, kept-alive connections, and the URL of its socket."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import ClassVar

import h11
import pytest
from fastapi import FastAPI

from digest.web.server import RequestTimeoutProtocol, bind_socket, create_server, get_url

SHORT_TIMEOUT = 0.2  # seconds
HEAD = b"GET /healthz HTTP/1.1\r\nHost: here\r\n"
FORM = b"Host: here\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\n"
BODY = b"POST /subscribe HTTP/1.1\r\n" + FORM + b"email="


class ShortTimeoutProtocol(RequestTimeoutProtocol):
    """The same with short timeouts."""

    timeouts: ClassVar = dict.fromkeys((h11.IDLE, h11.SEND_BODY), SHORT_TIMEOUT)


@asynccontextmanager
async def connect(app: FastAPI) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    with closing(bind_socket("127.0.0.1", 0)) as bound:
        server = create_server(app, protocol=ShortTimeoutProtocol)
        server.config.lifespan = "off"
        serving = asyncio.create_task(server.serve([bound]))
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()
            server.should_exit = True
            await serving


@pytest.mark.parametrize(
    "started", [b"", b"GET / HT", HEAD, BODY], ids=["nothing", "a line", "a head", "a body"]
)
async def test_a_request_that_does_not_end_is_disconnected(
    app: FastAPI, started: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(app) as (reader, writer):
        writer.write(started)
        assert await asyncio.wait_for(reader.read(), 10) == b""
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_sending_byte_by_byte_does_not_extend_the_timeout(app: FastAPI) -> None:
    async with connect(app) as (reader, writer):
        ended = asyncio.ensure_future(reader.read())
        for _ in range(40):
            writer.write(b"G")
            if (await asyncio.wait([ended], timeout=SHORT_TIMEOUT / 4))[0]:
                break
        assert ended.done()


async def test_a_connection_is_kept_alive_for_several_requests(app: FastAPI) -> None:
    async with connect(app) as (reader, writer):
        for _ in range(3):
            writer.write(HEAD + b"\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            await reader.readexactly(length)


async def test_the_url_of_a_socket_can_be_opened_by_a_browser() -> None:
    with closing(bind_socket("0.0.0.0", 0)) as bound:  # noqa: S104  closed at once
        assert get_url(bound).startswith("http://127.0.0.1:")
    with closing(bind_socket("::1", 0)) as bound:
        assert get_url(bound).startswith("http://[::1]:")


def test_connections_have_tcp_nodelay() -> None:
    with (
        closing(bind_socket("127.0.0.1", 0)) as bound,
        socket.create_connection(bound.getsockname()),
        closing(bound.accept()[0]) as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
