"""Limits where one thread may connect to: hosts the operator allowed, at public addresses.

It holds for whatever the thread calls, whichever host a service redirects to and whatever its name server
answers the second time, because Python itself reports every look-up and every connection (PEP 578). A hook
cannot be removed again; outside of `guard_connections` it does nothing.
"""

import ipaddress
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from digest.models.networks import is_public_address


class ConnectionRefusedByPolicy(OSError):
    """A connection to a host or an address that the operator did not allow."""


@dataclass(slots=True)
class ConnectionGuard:
    """What may be connected to, and what was tried."""

    hosts: Sequence[str]  # names, or *.example.org for every name below it
    networks: Sequence[str] = ()  # private networks that are allowed, as 10.0.0.0/8
    refused: str = field(default="", init=False)  # the first host or address that was refused
    has_sent: bool = field(default=False, init=False)  # a request may have reached the service

    def check_host(self, host: str) -> None:
        """Raise ConnectionRefusedByPolicy unless the host is allowed."""
        if not is_allowed_host(host, self.hosts):
            self._refuse(host)

    def check_address(self, address: str) -> None:
        """Raise ConnectionRefusedByPolicy unless this IP address is public or in an allowed network."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        is_named = any(ip in ipaddress.ip_network(network, strict=False) for network in self.networks)
        if not is_named and not is_public_address(address):
            self._refuse(address)

    def _refuse(self, what: str) -> None:
        self.refused = self.refused or what
        raise ConnectionRefusedByPolicy(f"{what} is not allowed")


class _Current(threading.local):
    guard: ConnectionGuard | None = None


_current = _Current()


def is_allowed_host(host: str, patterns: Sequence[str]) -> bool:
    """Return whether a host is one of these names, or below one that begins with `*.`."""
    name = host.lower().rstrip(".")
    return any(fnmatchcase(name, pattern.lower()) for pattern in patterns)


@contextmanager
def guard_connections(guard: ConnectionGuard) -> Iterator[None]:
    """Hold the calling thread to *guard*."""
    _install_hook()
    _current.guard = guard
    try:
        yield
    finally:
        _current.guard = None


@lru_cache(maxsize=1)
def _install_hook() -> None:
    sys.addaudithook(_audit)


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if event not in _CHECKS or (guard := _current.guard) is None:
        return
    _CHECKS[event](guard, args)


def _check_lookup(guard: ConnectionGuard, args: tuple[Any, ...]) -> None:
    host = args[0]
    guard.check_host(host.decode("ascii", "replace") if isinstance(host, bytes) else str(host))


def _check_connection(guard: ConnectionGuard, args: tuple[Any, ...]) -> None:
    address = args[1]
    if not isinstance(address, tuple):  # a socket of this machine
        guard._refuse("a local socket")  # noqa: SLF001  of this module
    guard.check_address(str(address[0]))


def _note_request(guard: ConnectionGuard, args: tuple[Any, ...]) -> None:
    data = args[1]
    is_tunnel = isinstance(data, bytes) and data.startswith(b"CONNECT ")  # to a proxy, not to the service
    guard.has_sent = guard.has_sent or not is_tunnel


_CHECKS = {
    "socket.getaddrinfo": _check_lookup,
    "socket.gethostbyname": _check_lookup,
    "socket.connect": _check_connection,
    "socket.sendto": _check_connection,
    "socket.sendmsg": _check_connection,
    "http.client.send": _note_request,
}
