"""The HTTP server: one socket, and uvicorn with timeouts for clients that send their requests slowly."""

import asyncio
import socket
from typing import ClassVar

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from digest.models.errors import ConfigError

HEAD_TIMEOUT = 10.0  # seconds in which the head of a request must arrive
BODY_TIMEOUT = 60.0  # seconds more for its body: imports are large, mobile networks slow
BACKLOG = 2048  # connections that may wait to be accepted
LOOPBACK_OF_WILDCARD = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104  read here, not bound


class RequestTimeoutProtocol(H11Protocol):
    """Uvicorn's protocol with a timeout: by itself it waits for the rest of a request without end."""

    timeouts: ClassVar = {h11.IDLE: HEAD_TIMEOUT, h11.SEND_BODY: BODY_TIMEOUT}  # by state of the client
    _timer: asyncio.TimerHandle | None = None
    _state: type | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout at once, also for a connection that sends nothing."""
        super().connection_made(transport)
        self._update_timeout()

    def data_received(self, data: bytes) -> None:
        """Start the timeout of the body after the head; stop it when the request is complete."""
        super().data_received(data)
        self._update_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout."""
        super().connection_lost(exc)
        self._cancel_timeout()

    def _update_timeout(self) -> None:
        """Restart the timeout when the client's state changes; more bytes alone do not extend it."""
        state = self.conn.their_state
        if state is self._state and self._timer is not None:
            return
        self._cancel_timeout()
        self._state = state
        if state in self.timeouts:
            self._timer = self.loop.call_later(self.timeouts[state], self.transport.close)

    def _cancel_timeout(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one. Raises ConfigError if that fails."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # the rest repeats the address
        advice = "Choose another host or port."
        raise ConfigError(f"Cannot listen on {host}:{port}: {reason}. {advice}") from error
    # Connections inherit it; asyncio sets it only on sockets that name TCP, which this one does not. Without
    # it the body of every response over a kept-alive connection waits 40 ms for the ACK of its head.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return bound


def get_url(bound: socket.socket) -> str:
    """Return the URL under which a browser on this machine reaches the socket."""
    host, port = bound.getsockname()[:2]
    address = LOOPBACK_OF_WILDCARD.get(host, host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def create_server(
    app: ASGIApp, *, protocol: type[RequestTimeoutProtocol] = RequestTimeoutProtocol
) -> uvicorn.Server:
    """Return the server. `client_ip` handles proxies; an access log would hold tokens, so there is none."""
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
