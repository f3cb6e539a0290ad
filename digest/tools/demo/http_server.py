"""An HTTP server on loopback that answers for arXiv, Hugging Face and Hacker News from the demo's dataset."""

import json
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from digest.tools.demo.dataset import Dataset, load_dataset
from digest.tools.demo.services import arxiv, hackernews, huggingface

ATOM_TYPE = "application/atom+xml; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Body, content type and status of a response."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK


class UpstreamServer:
    """All services of arXiv, Hugging Face and Hacker News that are read, at one address and moment.

    `with UpstreamServer(now) as upstream:` serves at `upstream.url` until the end of the block.
    Set `upstream.now` to let time pass: announcements and votes follow.
    """

    def __init__(self, now: datetime, *, dataset: Dataset | None = None) -> None:
        self.now = now
        self.requests: list[str] = []  # every path requested, in order
        self._dataset = dataset or load_dataset()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler_class(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port: the base URL of every source."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reply(self, target: str) -> HttpReply:
        """Return the response to a GET of this path and query."""
        self.requests.append(target)
        parts = urlsplit(target)
        data, now, params = self._dataset, self.now, dict(parse_qsl(parts.query))
        if parts.path.startswith("/rss/"):
            categories = unquote(parts.path.removeprefix("/rss/")).split("+")
            return HttpReply(arxiv.build_feed(data, categories, now), "application/rss+xml")
        match parts.path:
            case "/oai":
                return HttpReply(arxiv.list_changes(data, params, now), "text/xml")
            case "/api/query":
                return HttpReply(arxiv.look_up(data, params, now), ATOM_TYPE)
            case "/api/daily_papers":
                content: object = huggingface.list_daily_papers(data, params, now)
            case "/api/v1/search_by_date":
                content = hackernews.search_by_date(data, params, now)
            case _:
                return HttpReply(b"Not Found", status=HTTPStatus.NOT_FOUND)
        body = json.dumps(content, ensure_ascii=False).encode()
        return HttpReply(body, "application/json; charset=utf-8")


def _make_handler_class(upstream: UpstreamServer) -> type[BaseHTTPRequestHandler]:
    """Return a handler class that answers from *upstream*; the server makes one instance per connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open, as with the real services
        timeout = 30
        wbufsize = -1  # head and body leave in one packet; two would wait for each other

        def do_GET(self) -> None:
            reply = upstream.reply(self.path)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("ETag", f'"{sha256(reply.body).hexdigest()}"')
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  overrides
            """Log nothing: the terminal shows the demo's own output."""

    return Handler
