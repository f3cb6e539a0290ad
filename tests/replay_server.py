"""An HTTP server on loopback that answers as a test scripts it.

with ReplayServer() as server:
    server.set_replies("/rss/cs.AI", Reply(body=feed), Reply(status=429, headers={"Retry-After": "1"}))
    ...
    server.requests[0].headers["User-Agent"]

The replies to a path are given in turn, the last one repeatedly. A path may have query parameters, which must
be among those of the request. A request without a scripted reply gets 404.
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
    """A response, or a way of failing to give one."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    gzipped: bool = False
    cut_at: int | None = None  # promise the whole body, hang up after so many bytes
    silent: bool = False  # accept the request and never answer


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float  # monotonic seconds


ReplyScript = Reply | Callable[[RecordedRequest], Reply]


class ReplayServer:
    """A context manager that runs the server on a free port; `url` is its address."""

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self._scripts: list[tuple[str, Mapping[str, str], list[ReplyScript]]] = []
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

    def set_replies(self, path: str, *replies: ReplyScript) -> None:
        """Script the replies to a path, in place of those set before."""
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self._scripts = [s for s in self._scripts if (s[0], s[1]) != (parts.path, query)]
        self._scripts.append((parts.path, query, list(replies)))

    def requests_to(self, path: str) -> Sequence[RecordedRequest]:
        """Return the requests to a path, in order."""
        return [request for request in self.requests if request.path == path]

    def _next_reply(self, request: RecordedRequest) -> Reply:
        self.requests.append(request)
        scripts = sorted(self._scripts, key=lambda script: -len(script[1]))
        for path, query, replies in scripts:
            if path == request.path and query.items() <= request.query.items():
                script = replies.pop(0) if len(replies) > 1 else replies[0]
                return script if isinstance(script, Reply) else script(request)
        return Reply(status=404, body=b"Not Found")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = RecordedRequest(
                    parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)),
                    dict(self.headers), self.rfile.read(length), time.monotonic(),
                )  # fmt: skip
                self._send(server._next_reply(request))

            do_POST = do_GET  # noqa: N815  the name is the library's

            def _send(self, reply: Reply) -> None:
                if reply.silent:
                    server._released.wait(10)
                    self.close_connection = True
                    return
                body = gzip.compress(reply.body) if reply.gzipped else reply.body
                self.send_response(reply.status)
                headers = {"Content-Length": str(len(body)), **reply.headers}
                if reply.gzipped:
                    headers["Content-Encoding"] = "gzip"
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body if reply.cut_at is None else body[: reply.cut_at])
                if reply.cut_at is not None:
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep tests quiet."""

        return Handler
