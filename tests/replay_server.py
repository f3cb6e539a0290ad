"""A web server for tests: on loopback, real HTTP, and it says exactly what it is told to say.

with ReplayServer() as server:
    server.answer("/rss/cs.AI", Reply(body=feed), Reply(status=429, headers={"Retry-After": "1"}))
    ...
    server.requests[0].headers["User-Agent"]

The replies to a path are given in turn, the last one for ever. A path may name query parameters that must
be among those asked for. What no answer was scripted for is a 404.
"""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, or one way of failing to give it."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: bool = False  # gzip
    cut: int | None = None  # promise the whole body, hang up after so many bytes
    silent: bool = False  # accept the request and never answer


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float  # monotonic seconds


Script = Reply | Callable[[Asked], Reply]


class ReplayServer:
    """Starts when entered, on a free port; `url` is where."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self._scripts: list[tuple[str, Mapping[str, str], list[Script]]] = []
        self._released = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._http.shutdown()
        self._http.server_close()

    def answer(self, path: str, *replies: Script) -> None:
        """Script a path; what was scripted for it before is forgotten."""
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._scripts = [s for s in self._scripts if (s[0], s[1]) != (parts.path, query)]
        self._scripts.append((parts.path, query, list(replies)))

    def asked(self, path: str) -> Sequence[Asked]:
        """The requests for a path, in order."""
        return [asked for asked in self.requests if asked.path == path]

    def _reply_to(self, asked: Asked) -> Reply:
        self.requests.append(asked)
        scripts = sorted(self._scripts, key=lambda script: -len(script[1]))
        for path, query, replies in scripts:
            if path == asked.path and query.items() <= asked.query.items():
                script = replies.pop(0) if len(replies) > 1 else replies[0]
                return script if isinstance(script, Reply) else script(asked)
        return Reply(status=404, body=b"Not Found")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                asked = Asked(
                    parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
                    dict(self.headers), self.rfile.read(length), time.monotonic(),
                )  # fmt: skip
                self._say(server._reply_to(asked))

            do_POST = do_GET  # noqa: N815  the name is the library's

            def _say(self, reply: Reply) -> None:
                if reply.silent:
                    server._released.wait(10)
                    self.close_connection = True
                    return
                body = gzip.compress(reply.body) if reply.packed else reply.body
                self.send_response(reply.status)
                headers = {"Content-Length": str(len(body)), **reply.headers}
                if reply.packed:
                    headers["Content-Encoding"] = "gzip"
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body if reply.cut is None else body[: reply.cut])
                if reply.cut is not None:
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        return Handler
