"""Where do the sample's papers come from? A real HTTP server on loopback that stands for every service."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from digest.tools.demo.dataset import Collection, collection
from digest.tools.demo.services import arxiv_api, arxiv_oai, arxiv_rss, hackernews, huggingface


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes back over the wire."""

    body: bytes
    kind: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK


class Upstream:
    """All of arXiv's services that we ask, Hugging Face's and Hacker News', at one address and moment.

    Use it as a context: `with Upstream(now) as upstream:` answers at `upstream.url` until the end.
    Set `upstream.now` to let time pass: what is announced and how many have voted follows.
    """

    def __init__(self, now: datetime, *, held: Collection | None = None) -> None:
        self.now = now
        self.requests: list[str] = []  # every path asked for, in order
        self._held = held or collection()
        self._answers: dict[str, Callable[[dict[str, str]], HttpReply]] = {
            "/oai": self._oai,
            "/api/query": self._query,
            "/api/daily_papers": self._daily_papers,
            "/api/v1/search_by_date": self._stories,
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port: what the settings of all sources are set to."""
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
        """The answer to a GET of this path and query."""
        self.requests.append(target)
        parts = urlsplit(target)
        asked = dict(parse_qsl(parts.query))
        if parts.path.startswith("/rss/"):
            return self._feed(unquote(parts.path.removeprefix("/rss/")))
        answer = self._answers.get(parts.path)
        return answer(asked) if answer else HttpReply(b"Not Found", status=HTTPStatus.NOT_FOUND)

    def _feed(self, query: str) -> HttpReply:
        wanted = query.split("+")
        if not all(map(arxiv_rss.is_known, wanted)):
            return HttpReply(arxiv_rss.refusal(wanted, self.now), "application/xml", HTTPStatus.BAD_REQUEST)
        return HttpReply(arxiv_rss.feed(self._held, wanted, self.now), "application/rss+xml")

    def _oai(self, asked: dict[str, str]) -> HttpReply:
        return HttpReply(arxiv_oai.answer(self._held, asked, self.now), "text/xml")

    def _query(self, asked: dict[str, str]) -> HttpReply:
        kind = "application/atom+xml; charset=utf-8"
        try:
            return HttpReply(arxiv_api.answer(self._held, asked, self.now), kind)
        except arxiv_api.Misshapen as error:
            return HttpReply(arxiv_api.error(str(error), self.now), kind, HTTPStatus.BAD_REQUEST)

    def _daily_papers(self, asked: dict[str, str]) -> HttpReply:
        try:
            return _json(huggingface.daily_papers(self._held, asked, self.now))
        except ValueError:
            return _json({"error": "Invalid date"}, HTTPStatus.BAD_REQUEST)

    def _stories(self, asked: dict[str, str]) -> HttpReply:
        return _json(hackernews.search_by_date(self._held, asked, self.now))


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK) -> HttpReply:
    body = json.dumps(value, ensure_ascii=False).encode()
    return HttpReply(body, "application/json; charset=utf-8", status)


def _handler(upstream: Upstream) -> type[BaseHTTPRequestHandler]:
    """The class the server makes one of per connection, bound to this upstream."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open, as with the real services
        timeout = 30
        wbufsize = -1  # head and body leave in one packet; two would wait for each other

        def do_GET(self) -> None:
            reply = upstream.reply(self.path)
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("ETag", f'"{sha256(reply.body).hexdigest()}"')
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  overrides
            """Nothing: the demo's terminal is for the reader."""

    return Handler
