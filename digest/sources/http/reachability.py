"""Whether the network is there at all: tried before sources are fetched while somebody waits."""

import socket
from collections.abc import Collection
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_any_reachable(urls: Collection[str], *, timeout: float) -> bool:
    """Return True if any of these hosts, or the proxy before it, takes a connection in *timeout* seconds.

    All are tried at once, in threads; the first success is enough.
    """
    results: SimpleQueue[bool] = SimpleQueue()
    addresses = {_resolve_address(url) for url in urls}
    for address in addresses:
        # Daemons: a name server that is silent for half a minute must not delay the exit.
        Thread(target=_try_connect, args=(*address, timeout, results), daemon=True).start()
    deadline = monotonic() + timeout
    try:
        return any(results.get(timeout=max(0.0, deadline - monotonic())) for _ in addresses)
    except Empty:
        return False


def _resolve_address(url: str) -> tuple[str, int]:
    """Return host and port to connect to for this URL: its own, or those of the environment's proxy."""
    parts = urlsplit(url)
    proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
    target = urlsplit(proxy) if "//" in proxy else parts
    return target.hostname or "", target.port or DEFAULT_PORTS.get(target.scheme, 443)


def _try_connect(host: str, port: int, timeout: float, results: SimpleQueue[bool]) -> None:
    try:
        socket.create_connection((host, port), timeout=timeout).close()
    except (OSError, ValueError):
        results.put(False)
    else:
        results.put(True)
