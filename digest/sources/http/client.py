"""Polite HTTP client of the sources: rate limits, retries, timeouts, size limits and safe redirects.

The only module that imports httpx (docs/decisions/http-client.md).

Requests of one rate group are made one at a time with an interval between them. A service that keeps
failing, or whose rate limit is used up, is not asked again for a while.
"""

import re
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Self

import anyio
import httpx
import stamina

from digest.models.errors import SourceError
from digest.sources.http.policy import ClientPolicy
from digest.sources.http.response import (
    Accept,
    BadResponse,
    Decompressor,
    IncompleteResponse,
    Response,
    RetryableError,
    check_content,
    describe_status,
)
from digest.sources.http.ssrf import Resolver, resolve, resolve_public_address
from digest.sources.text.encoding import to_utf8

RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})  # every other error status is final
MAX_HEADER_CHARS = 500  # of a header that is parsed; a longer one is meant to harm
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
_SECRET_HEADERS = {"x-api-key", "zotero-api-key", "authorization", "cookie"}
_UNTRUSTED = "from_untrusted_redirect"  # marks a request to which a host led that the operator did not set
_SECONDS = re.compile(r"[0-9]{1,9}")  # not isdigit(), which is true for ²
_RATE_LIMIT = re.compile(r"\br\s*=\s*([0-9]{1,9})\b.*?\bt\s*=\s*([0-9]{1,9})\b")


class TooSlow(RetryableError):
    """An attempt took `total_timeout`; the next one would come later, when the service may be faster."""


class Client:
    """An HTTP client with the limits of its policy.

    `trusted_urls` are those the operator set: only their hosts may be in a private network.
    """

    def __init__(
        self, policy: ClientPolicy, *, trusted_urls: Iterable[str] = (), resolver: Resolver = resolve
    ) -> None:
        self._policy = policy
        self._trusted_origins = {_get_origin(httpx.URL(url)) for url in trusted_urls if url}
        self._resolver = resolver
        self._locks: dict[str, anyio.Lock] = {}  # by rate group
        self._last_request: dict[str, float] = {}  # end in monotonic seconds, by rate group
        self._blocked: dict[str, tuple[float, str]] = {}  # until when and why, by service
        self._http = httpx.AsyncClient(
            headers={"User-Agent": policy.user_agent, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(policy.read_timeout, connect=policy.connect_timeout),
            follow_redirects=False,
            trust_env=policy.trust_env,
            verify=_create_tls_context(trust_env=policy.trust_env),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def get(
        self,
        url: str,
        *,
        rate_group: str,
        accept: Accept = Accept.JSON,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a GET request, with retries; parameters that are empty are left out.

        Raises:
            BadResponse: a final error status (400, 403 and 404 are never retried).
            IncompleteResponse: the body broke off in every attempt.
            SourceError: anything else, with the reason.
        """
        given = {name: value for name, value in params.items() if value != ""} if params else None
        try:
            request = self._http.build_request("GET", url, params=given, headers=headers)
        except httpx.InvalidURL as error:
            raise SourceError("has an invalid address") from error
        return await self._send(request, rate_group, accept)

    async def post(
        self,
        url: str,
        *,
        rate_group: str,
        json: object = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a POST request with a JSON body or a form, answered by JSON; raises as `get` does."""
        request = self._http.build_request("POST", url, json=json, data=form, headers=headers)
        return await self._send(request, rate_group, Accept.JSON)

    async def _send(self, request: httpx.Request, rate_group: str, accept: Accept) -> Response:
        request.headers["Accept"] = accept.value
        self._raise_if_blocked(request.url)
        try:
            response = await self._send_with_retries(request, rate_group)
        except RetryableError as error:
            if error.partial:
                raise IncompleteResponse(error.partial) from error
            self._block(request.url, max(error.wait or 0.0, self._policy.cooldown), str(error))
            raise SourceError(str(error)) from error
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise BadResponse(response)
        if response.is_unchanged:
            return response
        check_content(response.body, accept)
        if accept is Accept.HTML:  # a web page may name its encoding in itself
            return response
        return replace(response, body=to_utf8(response.body, response.headers.get("content-type", "")))

    async def _send_with_retries(self, request: httpx.Request, rate_group: str) -> Response:
        attempts = stamina.retry_context(
            on=self._should_retry,
            attempts=self._policy.attempts,
            timeout=None,
            wait_initial=self._policy.initial_wait,
            wait_max=self._policy.max_wait,
            wait_jitter=self._policy.initial_wait,
        )
        async for attempt in attempts:
            with attempt:
                return await self._send_in_turn(request, rate_group)
        raise AssertionError("a retry either returns or raises")  # pragma: no cover

    def _should_retry(self, error: Exception) -> bool | float:
        """Return whether to retry, or the seconds to wait before if the server named them."""
        if not isinstance(error, RetryableError) or isinstance(error, TooSlow):
            return False
        if error.wait is None:
            return True
        return error.wait if error.wait <= self._policy.max_wait else False

    async def _send_in_turn(self, request: httpx.Request, rate_group: str) -> Response:
        """Send when no other request of the rate group is running and its interval has passed."""
        async with self._locks.setdefault(rate_group, anyio.Lock()):
            interval = self._policy.intervals.get(rate_group, self._policy.interval)
            elapsed = time.monotonic() - self._last_request.get(rate_group, float("-inf"))
            await anyio.sleep(max(0.0, interval - elapsed))
            try:
                with anyio.fail_after(self._policy.total_timeout):
                    return await self._send_following_redirects(request)
            except TimeoutError as error:
                message = f"did not answer within {self._policy.total_timeout:g} seconds"
                raise TooSlow(message) from error
            finally:
                self._last_request[rate_group] = time.monotonic()

    async def _send_following_redirects(self, request: httpx.Request) -> Response:
        for _ in range(self._policy.max_redirects + 1):
            response = await self._send_once(request)
            if response.status not in _REDIRECT_STATUSES or "location" not in response.headers:
                return response
            request = self._build_redirect(request, response.headers["location"])
        raise SourceError(f"redirected us more than {self._policy.max_redirects} times")

    def _build_redirect(self, request: httpx.Request, location: str) -> httpx.Request:
        try:
            target = request.url.join(location)
        except httpx.InvalidURL as error:
            raise SourceError("redirected us to an invalid address") from error
        if request.url.scheme == "https" and target.scheme != "https":
            raise SourceError(f"redirected us from https to {target.scheme}; that was not followed")
        is_other_host = _get_origin(target) != _get_origin(request.url)
        if is_other_host and not self._policy.follow_other_hosts:
            raise SourceError("redirected us to another host; that was not followed")
        headers = request.headers.copy()
        del headers["host"]
        if is_other_host:
            for secret in _SECRET_HEADERS & set(headers):
                del headers[secret]
        # A trusted origin is trusted only if the operator's own URLs lead there, not another host.
        is_untrusted = (
            _UNTRUSTED in request.extensions or _get_origin(request.url) not in self._trusted_origins
        )
        return self._http.build_request(
            "GET", target, headers=headers, extensions={_UNTRUSTED: True} if is_untrusted else None
        )

    def _is_trusted(self, request: httpx.Request) -> bool:
        is_redirected = _UNTRUSTED in request.extensions
        return _get_origin(request.url) in self._trusted_origins and not is_redirected

    async def _send_once(self, request: httpx.Request) -> Response:
        pinned = await self._pin(request)
        try:
            async with aclosing(await self._http.send(pinned, stream=True)) as stream:
                body = await self._read_body(stream)
        except httpx.TransportError as error:
            raise RetryableError(f"{request.url.host} {_describe(error)}") from error
        response = Response(
            url=str(request.url), status=stream.status_code, headers=stream.headers, body=body
        )
        self._apply_server_limits(request.url, response)
        return response

    async def _pin(self, request: httpx.Request) -> httpx.Request:
        """Return the request to send: to the checked IP address itself if the host is not trusted."""
        if self._is_trusted(request):
            return request
        url = request.url
        address = await resolve_public_address(url.scheme, url.host, port=url.port, resolver=self._resolver)
        return self._http.build_request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,
            content=request.content,
            extensions={"sni_hostname": url.host},
        )

    async def _read_body(self, response: httpx.Response) -> bytes:
        """Return the whole body, decompressed; raise RetryableError with what arrived if it broke off."""
        encoding = response.headers.get("content-encoding", "").strip().lower()
        decompressor = Decompressor(encoding, self._policy.max_bytes)
        try:
            async for chunk in response.aiter_raw():
                decompressor.feed(chunk)
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise RetryableError(_describe(error), partial=bytes(decompressor.body)) from error
        return bytes(decompressor.body)

    def _apply_server_limits(self, url: httpx.URL, response: Response) -> None:
        """Raise RetryableError if the server is busy; block its service if our rate limit is used up."""
        if response.status in RETRY_STATUSES:
            wait = parse_wait(response.headers, now=datetime.now(UTC))
            raise RetryableError(f"answered {describe_status(response.status)}", wait=wait)
        if (seconds := parse_exhausted_limit(response.headers)) is not None:
            self._block(url, seconds, "our rate limit there is used up")

    def _block(self, url: httpx.URL, seconds: float, reason: str) -> None:
        self._blocked[_get_service(url)] = (time.monotonic() + seconds, reason)

    def _raise_if_blocked(self, url: httpx.URL) -> None:
        until, reason = self._blocked.get(_get_service(url), (0.0, ""))
        left = until - time.monotonic()
        if left > 0:
            raise SourceError(f"{reason}; not asked again for {left:.0f} seconds")


def _get_origin(url: httpx.URL) -> str:
    """Return scheme, host and port: what the operator trusts by setting a URL."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _get_service(url: httpx.URL) -> str:
    """Return the origin and first path segments: what is up or down together.

    A mirror may serve several sources from one host.
    """
    return "/".join((_get_origin(url), *url.path.split("/")[1:3]))


@cache
def _create_tls_context(*, trust_env: bool = True) -> ssl.SSLContext:
    """Create the TLS context that all clients of this process share: reading the certificates takes 25 ms."""
    return httpx.create_ssl_context(trust_env=trust_env)


async def fetch_once(
    url: str,
    *,
    timeout: float,  # noqa: ASYNC109  of each step, as the library has it
    max_bytes: int,
    method: str = "GET",
) -> Response:
    """Send one request without retries or redirects, to an address that the caller has checked.

    Raises:
        SourceError: there was no response, or a larger one than allowed.
    """
    client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, verify=_create_tls_context())
    try:
        async with client, client.stream(method, url) as stream:
            body = b""
            async for chunk in stream.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise SourceError(f"the answer is larger than {max_bytes:,} bytes; it was not read")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(str(error) or type(error).__name__) from error
    return Response(url=url, status=stream.status_code, headers=stream.headers, body=body)


async def fetch_certificate(url: str) -> bytes:
    """Return what is at a URL that the caller has checked: a few kilobytes, without redirects.

    Raises:
        SourceError: there is no such answer with status 200.
    """
    response = await fetch_once(url, timeout=10.0, max_bytes=64 * 1024)
    if response.status != HTTPStatus.OK:
        raise BadResponse(response)
    return response.body


def parse_wait(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Return the seconds to wait by Retry-After, else by RateLimit; None if neither says so."""
    seconds = _parse_retry_after(headers.get("retry-after", ""), now)
    return parse_exhausted_limit(headers) if seconds is None else seconds


def parse_exhausted_limit(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a used-up rate limit is renewed: `RateLimit: "api";r=0;t=120`; else None."""
    match = _RATE_LIMIT.search(headers.get("ratelimit", "")[:MAX_HEADER_CHARS])
    return float(match[2]) if match and int(match[1]) == 0 else None


def _parse_retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header, which holds seconds or a date; None for anything else."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value[:MAX_HEADER_CHARS])
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


def _describe(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "could not be reached"
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    return "broke off the connection"
