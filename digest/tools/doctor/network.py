"""Is there a network at all? One quick knock at several doors at once, and the first that opens is enough."""

import socket
import time
from collections.abc import Collection
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

PORTS = {"http": 80, "https": 443}


def anyone_opens(urls: Collection[str], *, within: float) -> bool:
    """Whether any of these hosts, or the proxy on the way to it, takes a connection in so many seconds."""
    answers: SimpleQueue[bool] = SimpleQueue()
    doors = {_door(url) for url in urls}
    for door in doors:
        # Daemons: a name server that is silent for half a minute must not hold up our leaving.
        Thread(target=_knock, args=(*door, within, answers), daemon=True).start()
    until = time.monotonic() + within
    try:
        return any(answers.get(timeout=max(0.0, until - time.monotonic())) for _ in doors)
    except Empty:
        return False


def _door(url: str) -> tuple[str, int]:
    """Whom we would connect to for this URL: its host, or the proxy that the environment names."""
    parts = urlsplit(url)
    proxy = "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
    there = urlsplit(proxy) if "//" in proxy else parts
    return there.hostname or "", there.port or PORTS.get(there.scheme, 443)


def _knock(host: str, port: int, within: float, answers: SimpleQueue[bool]) -> None:
    try:
        socket.create_connection((host, port), timeout=within).close()
    except (OSError, ValueError):
        answers.put(False)
    else:
        answers.put(True)
