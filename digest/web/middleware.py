"""Middleware for every request: security headers, limits on the size of bodies, HEAD, damaged links."""

import re
from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.mail.locale import gettext_noop
from digest.web.languages import choose_language, set_page_language

MAX_LENGTH_DIGITS = 18  # of a Content-Length
MAX_BODY_BYTES = 64 * 1024
MAX_IMPORT_BYTES = 32 * 1024 * 1024  # a list of subscribers, sent with the admin token
IMPORT_PATHS = {"/admin/import", "/admin/suppressions/import", "/api/v1/subscribers/import"}
MAX_PREFERENCES_BYTES = 1024 * 1024  # a bibliography pasted into the preferences
BODY_TOO_LARGE = gettext_noop("That is more than this page accepts.")
MAX_ONE_CLICK_BYTES = 4096
MAX_ONE_CLICK_BYTES_DRAINED = 2 * 1024 * 1024  # more is left unread, and the connection closes

CONTENT_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
SCRIPT_POLICY = f"{CONTENT_POLICY}; script-src 'self'"  # the page that asks for a proof of work
# The page of a paper that reports when it was opened.
SCRIPT_AND_CONNECT_POLICY = f"{SCRIPT_POLICY}; connect-src 'self'"
SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, no-cache",  # pages hold forms that can be sent once
    "permissions-policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
}
# First segments of paths. Token: the path is a secret, which the Referer header must not pass on.
TOKEN_SEGMENTS = {"c", "u", "p", "v", "f", "e", "o", "a"}
# What a token, an action behind it or a suffix like .atom is written with.
TOKEN_PART = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
# Responses that belong to one person: never cached, never indexed.
PRIVATE_SEGMENTS = TOKEN_SEGMENTS | {"admin", "api", "subscribe"}
CALL_SEGMENTS = {"api", "mcp"}  # programs ask here, and are answered in English


class SecurityMiddleware:
    """ASGI middleware around the whole application; *refuse* answers a body that is too large."""

    def __init__(self, app: ASGIApp, *, is_https: bool, refuse: Callable[[Scope, str], ASGIApp]) -> None:
        self._app = app
        self._refuse = refuse
        self._headers = dict(SECURITY_HEADERS)
        if is_https:
            self._headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HEAD like GET without the body, refuse bodies that are too large, add the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        segment = scope["path"].split("/")[1] if "/" in scope["path"] else ""
        accepted = "" if segment in CALL_SEGMENTS else Headers(scope=scope).get("accept-language", "")
        set_page_language(choose_language(accepted))
        if segment in TOKEN_SEGMENTS:
            scope = {**scope, "path": trim_token_path(scope["path"])}
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}
        protected_send = _add_headers(send, self._headers, segment=segment, is_head=is_head)
        if segment == "u":
            await self._app(scope, _truncate(receive), protected_send)
            return
        max_bytes = _get_max_bytes(scope["path"], segment)
        if _announces_more(Headers(scope=scope).get("content-length", ""), max_bytes):
            await self._refuse(scope, BODY_TOO_LARGE)(scope, receive, protected_send)
            return
        limited = _truncate(receive) if scope["method"] == "GET" else _limit_size(receive, max_bytes)
        await self._app(scope, limited, protected_send)


def trim_token_path(path: str) -> str:
    """Return the path of a link without what mail programs take along: punctuation, blanks, a slash.

    Such a link is answered itself: a redirect would lose the POST of one-click unsubscribe.
    """
    _, segment, *parts = path.split("/")
    found = (TOKEN_PART.search(part) for part in parts)
    return "/".join(("", segment, *(match[0].rstrip(".") for match in found if match)))


def _announces_more(length: str, max_bytes: int) -> bool:
    """Return whether a Content-Length exceeds a limit; without a number the body is counted as it comes."""
    return length.isdecimal() and (len(length) > MAX_LENGTH_DIGITS or int(length) > max_bytes)


def _get_max_bytes(path: str, segment: str) -> int:
    if path in IMPORT_PATHS:
        return MAX_IMPORT_BYTES
    return MAX_PREFERENCES_BYTES if segment == "p" else MAX_BODY_BYTES


def _add_headers(send: Send, security_headers: Mapping[str, str], *, segment: str, is_head: bool) -> Send:
    async def send_protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in security_headers.items():
                headers.setdefault(name, value)
            if segment in TOKEN_SEGMENTS - {"a"}:  # there the form must say where it comes from
                headers["referrer-policy"] = "no-referrer"
            if segment in PRIVATE_SEGMENTS:
                headers["cache-control"] = "no-store"
                headers["x-robots-tag"] = "noindex, nofollow"
        elif is_head and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_protected


def _limit_size(receive: Receive, max_bytes: int) -> Receive:
    """Count the bytes of a body, which may have no Content-Length, and raise a 413 beyond *max_bytes*."""
    size = 0

    async def read() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise HTTPException(413, BODY_TOO_LARGE)
        return message

    return read


def _truncate(receive: Receive) -> Receive:
    """Pass on the start of a body, discard the rest: its size never stops a one-click unsubscribe."""
    size = 0

    async def read() -> Message:
        nonlocal size
        message = await receive()
        if message["type"] != "http.request":
            return message
        body = message.get("body", b"")[: max(0, MAX_ONE_CLICK_BYTES - size)]
        size += len(message.get("body", b""))
        more = message.get("more_body", False) and size < MAX_ONE_CLICK_BYTES_DRAINED
        return {**message, "body": body, "more_body": more}

    return read
