"""How do we ask? Politely: one at a time per family of hosts, patiently, and never without a limit."""

import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import anyio
import httpx
import stamina

from digest.models.errors import SourceError
from digest.sources.http.response import Answer, BadResponse, CutShort, Inflater, Wants, check_kind
from digest.sources.http.ssrf import Resolve, origin, public_address, resolve, service

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # worth another try; every other refusal is final
_SECONDS = re.compile(r"[0-9]{1,9}")  # not isdigit(), which takes ² for one
_LONGEST = 500  # characters of a header: what is longer was not written to be read
_RATE_LIMIT = re.compile(r"\br\s*=\s*([0-9]{1,9})\b.*?\bt\s*=\s*([0-9]{1,9})\b")


def asked_to_wait(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """Seconds until the server wants to hear from us, by Retry-After or RateLimit; None: it did not say."""
    if (after := _retry_after(headers.get("retry-after", ""), now)) is not None:
        return after
    return used_up(headers)


def used_up(headers: Mapping[str, str]) -> float | None:
    """Seconds until a used-up allowance is renewed: `RateLimit: "api";r=0;t=120`."""
    match = _RATE_LIMIT.search(headers.get("ratelimit", "")[:_LONGEST])
    return float(match[2]) if match and int(match[1]) == 0 else None


def _retry_after(value: str, now: datetime) -> float | None:
    """Seconds, or a date; anything else is not an answer."""
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value[:_LONGEST])
    except (ValueError, OverflowError):
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPolicy:
    """How politely, how patiently and how much at most."""

    user_agent: str
    intervals: Mapping[str, float] = field(default_factory=lambda: {"arxiv": 3.1})  # seconds, by family
    interval: float = 0.2  # for every other family
    attempts: int = 4
    first_wait: float = 1.0  # doubles with every attempt, plus jitter
    longest_wait: float = 120.0  # asked to wait longer, we give up until later
    cool_off: float = 300.0  # a service that failed every attempt is left alone for so long
    connect_within: float = 10.0
    read_within: float = 30.0
    whole_within: float = 120.0
    largest: int = 64 * 2**20  # bytes, decompressed
    redirects: int = 5
    wanders: bool = True  # whether a redirect may lead to another host
    heeds_environment: bool = True  # proxies and certificates that the operator's environment names


class TryAgain(SourceError):
    """This attempt failed, the next may not."""

    def __init__(self, message: str, *, wait: float | None = None, partial: bytes = b"") -> None:
        super().__init__(message)
        self.wait = wait
        self.partial = partial


class Client:
    """Asks servers. `trusted` are the URLs the operator set: only they may lie in a private network."""

    def __init__(self, manners: ClientPolicy, *, trusted: Iterable[str] = (), ask: Resolve = resolve) -> None:
        self._manners = manners
        self._trusted = {origin(httpx.URL(url)) for url in trusted if url}
        self._ask = ask
        self._turns: dict[str, anyio.Lock] = {}
        self._last: dict[str, float] = {}
        self._closed: dict[str, tuple[float, str]] = {}
        self._http = httpx.AsyncClient(
            headers={"User-Agent": manners.user_agent, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(manners.read_within, connect=manners.connect_within),
            follow_redirects=False,
            trust_env=manners.heeds_environment,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(
        self,
        url: str,
        *,
        family: str,
        wants: Wants,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one question; SourceError with the reason when there is none.

        Refused: a final no (400, 403, 404 are never asked twice). CutShort: it broke off every time.
        """
        request = self._http.build_request("GET", url, params=params, headers=headers)
        return await self._answer(request, family, wants)

    async def post(
        self, url: str, *, family: str, json: object, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """As `get`, for services that are asked by a JSON body."""
        request = self._http.build_request("POST", url, json=json, headers=headers)
        return await self._answer(request, family, Wants.JSON)

    async def _answer(self, request: httpx.Request, family: str, wants: Wants) -> Answer:
        request.headers["Accept"] = wants.value
        self._refuse_if_closed(request.url)
        try:
            answer = await self._patiently(request, family)
        except TryAgain as error:
            if error.partial:
                raise CutShort(error.partial) from error
            self._close(request.url, error)
            raise SourceError(str(error)) from error
        if answer.status >= httpx.codes.BAD_REQUEST:
            raise BadResponse(answer)
        if not answer.unchanged:
            check_kind(answer.body, wants)
        return answer

    async def _patiently(self, request: httpx.Request, family: str) -> Answer:
        attempts = stamina.retry_context(
            on=self._again,
            attempts=self._manners.attempts,
            timeout=None,
            wait_initial=self._manners.first_wait,
            wait_max=self._manners.longest_wait,
            wait_jitter=self._manners.first_wait,
        )
        async for attempt in attempts:
            with attempt:
                return await self._in_turn(request, family)
        raise AssertionError("a retry either returns or raises")  # pragma: no cover

    def _again(self, error: Exception) -> bool | float:
        """Whether to try again, and after which wait where the server named one."""
        if not isinstance(error, TryAgain):
            return False
        if error.wait is None:
            return True
        return error.wait if error.wait <= self._manners.longest_wait else False

    async def _in_turn(self, request: httpx.Request, family: str) -> Answer:
        """Wait for this family's turn; nobody else asks it until we are done."""
        async with self._turns.setdefault(family, anyio.Lock()):
            interval = self._manners.intervals.get(family, self._manners.interval)
            since = time.monotonic() - self._last.get(family, float("-inf"))
            await anyio.sleep(max(0.0, interval - since))
            try:
                with anyio.fail_after(self._manners.whole_within):
                    return await self._follow(request)
            except TimeoutError as error:
                raise TryAgain(f"did not answer within {self._manners.whole_within:g} seconds") from error
            finally:
                self._last[family] = time.monotonic()

    async def _follow(self, request: httpx.Request) -> Answer:
        for _ in range(self._manners.redirects + 1):
            answer = await self._once(request)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            request = self._redirected(request, answer.headers["location"])
        raise SourceError(f"led us through more than {self._manners.redirects} redirects")

    def _redirected(self, request: httpx.Request, location: str) -> httpx.Request:
        try:
            target = request.url.join(location)
        except httpx.InvalidURL as error:
            raise SourceError("led us to an address that is none") from error
        if request.url.scheme == "https" and target.scheme != "https":
            raise SourceError(f"led us from https to {target.scheme}; that was not followed")
        if not self._manners.wanders and origin(target) != origin(request.url):
            raise SourceError("led us to another host; that was not followed")
        headers = request.headers.copy()
        del headers["host"]
        if origin(target) != origin(request.url):
            for secret in _SECRET_HEADERS & set(headers):
                del headers[secret]
        # What is trusted is so by the operator's word, not by that of a stranger who leads us there.
        led = _LED in request.extensions or origin(request.url) not in self._trusted
        return self._http.build_request(
            "GET", target, headers=headers, extensions={_LED: True} if led else None
        )

    async def _once(self, request: httpx.Request) -> Answer:
        pinned = await self._pin(request)
        try:
            async with self._stream(pinned) as response:
                body = await self._body(response)
        except httpx.TransportError as error:
            raise TryAgain(f"{request.url.host} {_in_words(error)}") from error
        answer = Answer(
            url=str(request.url), status=response.status_code, headers=response.headers, body=body
        )
        self._heed(request.url, answer)
        return answer

    async def _pin(self, request: httpx.Request) -> httpx.Request:
        """A host the operator did not set is resolved once, checked, and reached at that very address."""
        if origin(request.url) in self._trusted and _LED not in request.extensions:
            return request
        address = await public_address(request.url, ask=self._ask)
        return self._http.build_request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            content=request.content,
            extensions={"sni_hostname": request.url.host},
        )

    @asynccontextmanager
    async def _stream(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        response = await self._http.send(request, stream=True)
        try:
            yield response
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        """The whole body, decompressed; TryAgain with what came when it broke off."""
        inflater = Inflater(response.headers.get("content-encoding", "").lower(), self._manners.largest)
        try:
            async for chunk in response.aiter_raw():
                inflater.feed(chunk)
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            raise TryAgain(_in_words(error), partial=bytes(inflater.body)) from error
        return bytes(inflater.body)

    def _heed(self, url: httpx.URL, answer: Answer) -> None:
        """Turn a wish to wait into a wait: now for this question, or before the next one."""
        wait = asked_to_wait(answer.headers, now=datetime.now(UTC))
        if answer.status in AGAIN:
            raise TryAgain(
                f"answered {answer.status} {httpx.codes.get_reason_phrase(answer.status)}", wait=wait
            )
        if (renewed := used_up(answer.headers)) is not None:
            self._closed[service(url)] = (time.monotonic() + renewed, "our allowance there is used up")

    def _close(self, url: httpx.URL, error: TryAgain) -> None:
        wait = max(error.wait or 0.0, self._manners.cool_off)
        self._closed[service(url)] = (time.monotonic() + wait, str(error))

    def _refuse_if_closed(self, url: httpx.URL) -> None:
        until, reason = self._closed.get(service(url), (0.0, ""))
        left = until - time.monotonic()
        if left > 0:
            raise SourceError(f"{reason}; not asked again for {left:.0f} seconds")


_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LED = "led_by_a_stranger"  # marks a request that a host the operator did not set redirected to
_SECRET_HEADERS = {"x-api-key", "zotero-api-key", "authorization", "cookie"}


def _in_words(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.ConnectError):
        return "could not be reached"
    if isinstance(error, httpx.TimeoutException):
        return "did not answer in time"
    return "broke off the connection"
