"""How do the pages reach the wire? One socket, and no patience with clients that trickle their requests."""

import asyncio
import socket
from typing import ClassVar

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest.models.errors import ConfigError

HEAD_WITHIN = 10.0  # seconds in which the head of a request must be here
BODY_WITHIN = 60.0  # seconds more for its body: an import is large, a mobile network slow
BACKLOG = 2048  # connections that may wait to be accepted
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  read here, not bound


class Impatient(H11Protocol):
    """Uvicorn's protocol, which would wait for ever for the rest of a request; this one hangs up."""

    within: ClassVar = {h11.IDLE: HEAD_WITHIN, h11.SEND_BODY: BODY_WITHIN}  # by what the client still owes
    _deadline: asyncio.TimerHandle | None = None
    _awaited: type | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock runs from the first moment: a connection that says nothing is no visitor."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """More of a request; once all of it is here, nobody waits for the client any more."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        super().connection_lost(exc)
        self._forget()

    def _watch(self) -> None:
        """One deadline for the head, one for the body; trickling does not move them."""
        awaited = self.conn.their_state
        if awaited is self._awaited and self._deadline is not None:
            return
        self._forget()
        self._awaited = awaited
        if awaited in self.within:
            self._deadline = self.loop.call_later(self.within[awaited], self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def listening(host: str, port: int) -> socket.socket:
    """A socket at that address; port 0 takes any that is free. ConfigError says why it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    # Connections inherit it; asyncio sets it only on sockets that name TCP, as this one does not. Without it
    # the body of every answer over a kept connection, like a proxy's, waits 40 ms for a word about its head.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def address_of(bound: socket.socket) -> str:
    """Where a browser on this machine finds what listens there."""
    host, port = bound.getsockname()[:2]
    seen = ANYWHERE.get(host, host)
    return f"http://[{seen}]:{port}" if ":" in seen else f"http://{seen}:{port}"


def server(app: FastAPI, *, protocol: type[Impatient] = Impatient) -> uvicorn.Server:
    """The server of the pages. Proxies are believed by our own rules, and no line of a log holds a token."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=30,
        )
    )
