"""What holds for every answer and every body, whatever page it is? Headers, size caps, HEAD."""

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BODY = 64 * 1024
MOST_IMPORT = 32 * 1024 * 1024  # a list of subscribers, for those who hold the admin token
IMPORTS = {"/admin/import", "/api/v1/subscribers/import"}
MOST_PASTED = 1024 * 1024  # a bibliography pasted into the preferences
TOO_MUCH = "That is more than this page takes."
ONE_CLICK_READS = 4096
ONE_CLICK_DRAINS = 2 * 1024 * 1024  # more is left unread, and the connection closes

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SCRIPTED_POLICY = f"{POLICY}; script-src 'self'"  # the waiting page alone, for its optional proof of work
TELLING_POLICY = f"{SCRIPTED_POLICY}; connect-src 'self'"  # a paper's page where opening may teach
HARDENING: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",  # pages carry forms that count once
    "permissions-policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
}
# First path segments whose answers belong to one person: never stored, never indexed.
TOKENED = {"c", "u", "p", "v", "f", "e", "o"}  # whose address is a secret, not to be told to the next page
PRIVATE = TOKENED | {"admin", "api", "subscribe"}


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, is_https: bool, refuse: Callable[[Scope, str], ASGIApp]) -> None:
        self.app = app
        self.refuse = refuse
        self.added = dict(HARDENING)
        if is_https:
            self.added["strict-transport-security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HEAD like GET without the body, refuse bodies that are too large, add the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        room = scope["path"].split("/")[1] if "/" in scope["path"] else ""
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}
        answer = _hardened(send, self.added, room=room, is_head=is_head)
        if room == "u":
            await self.app(scope, _first_part(receive), answer)
            return
        cap = _cap(scope["path"], room)
        if int(Headers(scope=scope).get("content-length") or 0) > cap:
            await self.refuse(scope, TOO_MUCH)(scope, receive, answer)
            return
        await self.app(scope, _capped(receive, cap), answer)


def _cap(path: str, room: str) -> int:
    if path in IMPORTS:
        return MOST_IMPORT
    return MOST_PASTED if room == "p" else MOST_BODY


def _hardened(send: Send, added: Mapping[str, str], *, room: str, is_head: bool) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in added.items():
                headers.setdefault(name, value)
            if room in TOKENED:
                headers["referrer-policy"] = "no-referrer"
            if room in PRIVATE:
                headers["cache-control"] = "no-store"
                headers["x-robots-tag"] = "noindex, nofollow"
        elif is_head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return answer


def _capped(receive: Receive, cap: int) -> Receive:
    """A body without a length is counted while it is read."""
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > cap:
            raise HTTPException(413, TOO_MUCH)
        return message

    return read


def _first_part(receive: Receive) -> Receive:
    """One-click unsubscribing is never refused for its body: the start is passed on, the rest let go."""
    taken = 0

    async def read() -> Message:
        nonlocal taken
        message = await receive()
        if message["type"] != "http.request":
            return message
        body = message.get("body", b"")[: max(0, ONE_CLICK_READS - taken)]
        taken += len(message.get("body", b""))
        more = message.get("more_body", False) and taken < ONE_CLICK_DRAINS
        return {**message, "body": body, "more_body": more}

    return read
