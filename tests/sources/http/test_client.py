"""Tests of the HTTP client: rate limits, retries, size limits and redirects, over real HTTP on loopback."""

import dataclasses
import gzip
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx
import pytest

from digest.models.errors import SourceChanged, SourceError
from digest.sources.http.client import Client, parse_wait
from digest.sources.http.policy import ClientPolicy
from digest.sources.http.response import (
    Accept,
    BadResponse,
    Decompressor,
    IncompleteResponse,
    Response,
    check_content,
)
from digest.sources.http.ssrf import resolve_public_address
from tests.replay_server import ReplayServer, Reply

FEED = b"<rss><channel/></rss>"


async def get_feed(
    client: Client, server: ReplayServer, path: str = "/feed", rate_group: str = "arxiv"
) -> Response:
    return await client.get(f"{server.url}{path}", rate_group=rate_group, accept=Accept.XML)


async def test_response_has_body_and_validators(client: Client, server: ReplayServer) -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 05:00:00 GMT"}
    server.set_replies("/feed", Reply(body=FEED, headers=headers, gzipped=True))
    response = await get_feed(client, server)
    assert (response.body, response.etag, response.last_modified) == (FEED, '"v1"', headers["Last-Modified"])


async def test_user_agent_names_us_and_a_contact(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(body=FEED))
    await get_feed(client, server)
    agent = server.requests[0].headers["User-Agent"]
    assert agent.startswith("digest-test/1 (+https://")
    assert "mailto:" in agent


async def test_status_304_is_unchanged(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(status=304))
    assert (await get_feed(client, server)).is_unchanged


async def test_requests_of_one_rate_group_are_sequential_and_spaced(
    server: ReplayServer, fast_policy: ClientPolicy
) -> None:
    server.set_replies("/feed", Reply(body=FEED))
    server.set_replies("/list", Reply(body=FEED))
    spaced_policy = dataclasses.replace(fast_policy, intervals={"arxiv": 0.1})
    async with (
        Client(spaced_policy, trusted_urls=(server.url,)) as client,
        anyio.create_task_group() as tasks,
    ):
        for path in ("/feed", "/list", "/feed"):
            tasks.start_soon(get_feed, client, server, path)
        tasks.start_soon(get_feed, client, server, "/feed", "other")
    times = sorted(request.at for request in server.requests)
    assert times[-1] - times[0] >= 0.2  # three of the group, two intervals; the other group did not wait


async def test_busy_server_is_retried_after_the_time_it_named(client: Client, server: ReplayServer) -> None:
    busy = Reply(status=429, headers={"Retry-After": "1"}, body=b"Rate exceeded.")
    server.set_replies("/feed", busy, Reply(body=FEED))
    assert (await get_feed(client, server)).body == FEED
    first, second = server.requests
    assert second.at - first.at >= 1


async def test_retry_after_may_be_a_date(client: Client, server: ReplayServer) -> None:
    past_date = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    server.set_replies("/feed", Reply(status=503, headers={"Retry-After": past_date}), Reply(body=FEED))
    assert (await get_feed(client, server)).body == FEED


async def test_long_retry_after_blocks_the_service(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(status=429, headers={"Retry-After": "3600"}), Reply(body=FEED))
    with pytest.raises(SourceError, match="429"):
        await get_feed(client, server)
    with pytest.raises(SourceError, match=r"not asked again for 3[56]"):
        await get_feed(client, server)
    assert len(server.requests) == 1


async def test_exhausted_rate_limit_blocks_the_service(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(body=FEED, headers={"RateLimit": '"api";r=0;t=250'}))
    await get_feed(client, server)
    with pytest.raises(SourceError, match="our rate limit there is used up"):
        await get_feed(client, server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_final_error_status_is_not_retried(client: Client, server: ReplayServer, status: int) -> None:
    server.set_replies("/feed", Reply(status=status, body=b"no"))
    with pytest.raises(BadResponse) as refused:
        await get_feed(client, server)
    assert refused.value.response.body == b"no"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_temporary_error_status_is_retried(client: Client, server: ReplayServer, status: int) -> None:
    server.set_replies("/feed", Reply(status=status), Reply(status=status), Reply(body=FEED))
    assert (await get_feed(client, server)).body == FEED


async def test_service_that_stays_down_is_blocked(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(status=502))
    for message in ("502", "not asked again"):
        with pytest.raises(SourceError, match=message):
            await get_feed(client, server)
    assert len(server.requests) == 3


async def test_blocked_service_does_not_affect_others_on_the_same_host(
    client: Client, server: ReplayServer
) -> None:
    server.set_replies("/rss/cs.CL", Reply(status=503))
    server.set_replies("/api/daily_papers", Reply(body=b"[]"))
    with pytest.raises(SourceError, match="503"):
        await client.get(server.url + "/rss/cs.CL", rate_group="arxiv", accept=Accept.XML)
    response = await client.get(
        server.url + "/api/daily_papers", rate_group="huggingface", accept=Accept.JSON
    )
    assert response.body == b"[]"


async def test_unreachable_host_is_a_clear_error(server: ReplayServer, fast_policy: ClientPolicy) -> None:
    dead = "http://127.0.0.1:9"
    async with Client(fast_policy, trusted_urls=(dead,)) as client:
        with pytest.raises(SourceError, match="could not be reached"):
            await client.get(f"{dead}/feed", rate_group="arxiv", accept=Accept.XML)


async def test_server_that_never_answers_times_out(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(silent=True))
    with pytest.raises(SourceError, match="did not answer"):
        await get_feed(client, server)


async def test_body_that_always_breaks_off_is_returned_as_far_as_it_arrived(
    client: Client, server: ReplayServer
) -> None:
    server.set_replies("/feed", Reply(body=FEED, cut_at=9))
    with pytest.raises(IncompleteResponse) as error:
        await get_feed(client, server)
    assert error.value.body == FEED[:9]
    assert len(server.requests) == 3


async def test_body_that_broke_off_once_is_requested_again(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(body=FEED, cut_at=9), Reply(body=FEED))
    assert (await get_feed(client, server)).body == FEED


async def test_body_size_is_limited_before_and_after_decompression(
    server: ReplayServer, fast_policy: ClientPolicy
) -> None:
    bomb = gzip.compress(b"<rss>" + b" " * 5_000_000)
    server.set_replies("/bomb", Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    server.set_replies("/long", Reply(body=b"<rss>" + b" " * 200_000))
    small_policy = dataclasses.replace(fast_policy, max_bytes=100_000)
    async with Client(small_policy, trusted_urls=(server.url,)) as client:
        for path in ("/bomb", "/long"):
            with pytest.raises(SourceError, match="larger than 100,000 bytes"):
                await get_feed(client, server, path)
    assert len(server.requests) == 2


async def test_web_page_in_place_of_a_feed_is_source_changed(client: Client, server: ReplayServer) -> None:
    page = b"<!DOCTYPE html><html><head><title>Down for maintenance</title></head></html>"
    server.set_replies("/feed", Reply(body=page))
    with pytest.raises(SourceChanged, match=r"web page.*Down for maintenance"):
        await get_feed(client, server)


@pytest.mark.parametrize(("accept", "body"), [(Accept.JSON, b"Rate exceeded."), (Accept.XML, b"{}")])
async def test_body_of_another_kind_is_source_changed(
    client: Client, server: ReplayServer, accept: Accept, body: bytes
) -> None:
    server.set_replies("/feed", Reply(body=body))
    with pytest.raises(SourceChanged):
        await client.get(f"{server.url}/feed", rate_group="x", accept=accept)


async def test_redirect_on_the_same_host_is_followed(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(status=301, headers={"Location": "/new"}))
    server.set_replies("/new", Reply(body=FEED))
    response = await get_feed(client, server)
    assert (response.body, response.url) == (FEED, f"{server.url}/new")


async def test_redirect_loop_ends(client: Client, server: ReplayServer) -> None:
    server.set_replies("/feed", Reply(status=302, headers={"Location": "/feed"}))
    with pytest.raises(SourceError, match="redirected us more than 5 times"):
        await get_feed(client, server)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/admin", "http://localhost:1/", "http://10.0.0.1/", "http://169.254.169.254/latest/",
        "http://[::1]:1/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://2130706433/",
        "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/",
    ],
)  # fmt: skip
async def test_redirect_into_a_private_network_is_not_followed(
    client: Client, server: ReplayServer, location: str
) -> None:
    server.set_replies("/feed", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError, match=r"private network|no host"):
        await get_feed(client, server)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x/"])
async def test_redirect_to_another_scheme_is_not_followed(
    client: Client, server: ReplayServer, location: str
) -> None:
    server.set_replies("/feed", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError, match="not followed"):
        await get_feed(client, server)


async def test_host_with_a_private_address_is_not_requested(
    server: ReplayServer, fast_policy: ClientPolicy
) -> None:
    async def resolve_both(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "192.168.1.1"]

    server.set_replies("/feed", Reply(status=302, headers={"Location": "http://innocent.example/feed"}))
    async with Client(fast_policy, trusted_urls=(server.url,), resolver=resolve_both) as client:
        with pytest.raises(SourceError, match=r"innocent\.example is in a private network"):
            await get_feed(client, server)


async def test_untrusted_url_must_not_be_private_even_without_a_redirect(
    server: ReplayServer, fast_policy: ClientPolicy
) -> None:
    async with Client(fast_policy) as client:
        with pytest.raises(SourceError, match="private network"):
            await get_feed(client, server)
    assert not server.requests


async def test_key_is_not_sent_to_another_host(server: ReplayServer, fast_policy: ClientPolicy) -> None:
    with ReplayServer() as other:
        server.set_replies("/feed", Reply(status=302, headers={"Location": f"{other.url}/feed"}))
        other.set_replies("/feed", Reply(body=FEED))
        async with Client(fast_policy, trusted_urls=(server.url, other.url)) as client:
            await client.get(
                f"{server.url}/feed", rate_group="x", accept=Accept.XML, headers={"x-api-key": "secret"}
            )
        assert "secret" in server.requests[0].headers.values()
        assert "secret" not in other.requests[0].headers.values()


async def test_untrusted_host_is_requested_at_the_checked_address(
    fast_policy: ClientPolicy,
) -> None:
    async def resolve_fixed(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    async with Client(fast_policy, resolver=resolve_fixed) as client:
        request = client._http.build_request("GET", "https://papers.example/feed?a=1")
        pinned = await client._pin(request)
    assert str(pinned.url) == "https://93.184.216.34/feed?a=1"
    assert pinned.headers["Host"] == "papers.example"
    assert pinned.extensions["sni_hostname"] == "papers.example"


def test_bytes_after_the_end_of_a_compressed_body_count() -> None:
    decompressor = Decompressor("gzip", 1000)
    decompressor.feed(gzip.compress(b"{}"))
    with pytest.raises(SourceError, match="larger than 1,000 bytes"):
        decompressor.feed(b"x" * 1000)


def pack_raw(body: bytes) -> bytes:
    """Return *body* as deflate without the header of zlib, which many servers send."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"<a>") + gzip.compress(b"b") + gzip.compress(b"</a>")),
        ("x-gzip", gzip.compress(b"<a>b</a>") + b"\0" * 20),
        ("gzip", b"<a>b</a>"),  # not compressed at all
        ("deflate", zlib.compress(b"<a>b</a>")),
        ("deflate", pack_raw(b"<a>b</a>")),
        ("deflate", gzip.compress(b"<a>b</a>")),
        ("", b"<a>b</a>"),
    ],
    ids=["members", "padding", "plain", "zlib", "raw", "gzip as deflate", "none"],  # the bytes hold the time
)
def test_compressed_body_is_read_in_chunks_of_any_size(encoding: str, packed: bytes, size: int) -> None:
    decompressor = Decompressor(encoding, 1000)
    for start in range(0, len(packed), size):
        decompressor.feed(packed[start : start + size])
    assert decompressor.body == b"<a>b</a>"


def test_many_members_cannot_exceed_the_limit() -> None:
    decompressor = Decompressor("gzip", 1000)
    with pytest.raises(SourceError, match="larger than 1,000 bytes"):
        decompressor.feed(gzip.compress(b"x" * 400) * 3)


@pytest.mark.parametrize(
    ("start", "accept"),
    [
        ("\ufeff\n\n<rss/>".encode(), Accept.XML), (b"<!-- html --><rss/>", Accept.XML),
        ("\ufeff<rss/>".encode("utf-16-le"), Accept.XML), (b"Warning: x\n<rss/>", Accept.XML),
        (b" " * 1000 + b"[]", Accept.JSON), ("\ufeff{}".encode(), Accept.JSON),
        (b")]}'\n{}", Accept.JSON), (b"while(1);[]", Accept.JSON),
    ],
)  # fmt: skip
def test_what_stands_before_the_content_is_ignored(start: bytes, accept: Accept) -> None:
    check_content(start, accept)


@pytest.mark.parametrize("page", [b"<!-- x --><html>", b"\xef\xbb\xbf <!DOCTYPE HTML>", b"<?xml?><html>"])
def test_web_page_behind_a_comment_is_a_web_page(page: bytes) -> None:
    with pytest.raises(SourceChanged, match="web page"):
        check_content(page, Accept.XML)


@pytest.mark.parametrize(
    "address", ["::7f00:1", "::a9fe:a9fe", "fec0::1", "64:ff9b:1::7f00:1", "5f00::1", "2002:7f00:1::"]
)
async def test_disguised_private_address_is_not_public(address: str) -> None:
    async def resolve_fixed(_: str, __: int) -> Sequence[str]:
        return [address]

    with pytest.raises(SourceError, match="private network"):
        await resolve_public_address("https", "feeds.example", port=None, resolver=resolve_fixed)


async def test_untrusted_redirect_to_a_trusted_host_is_not_trusted(
    fast_policy: ClientPolicy,
) -> None:
    async def resolve_fixed(host: str, _: int) -> Sequence[str]:
        return ["10.0.0.5"] if host == "mirror.example" else ["93.184.215.14"]

    def make_request() -> httpx.Request:
        return httpx.Request("GET", "http://mirror.example/feed")

    async with Client(
        fast_policy, trusted_urls=["http://mirror.example/feed"], resolver=resolve_fixed
    ) as client:
        assert (await client._pin(make_request())).url.host == "mirror.example"
        moved = client._build_redirect(make_request(), "/elsewhere")
        assert (await client._pin(moved)).url.host == "mirror.example"
        untrusted = client._build_redirect(
            httpx.Request("GET", "http://stranger.example/"), "http://mirror.example/"
        )
        with pytest.raises(SourceError, match="private network"):
            await client._pin(untrusted)


NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "10"}, 10),
        ({"retry-after": "Mon, 23 Nov 2026 09:31:00 GMT"}, 60),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"ratelimit": "r=0;t=" + "9" * 5000}, None),
        ({"ratelimit": f"r={'9' * 5000};t=1"}, None),
        ({"ratelimit": "r=0 " * 25_000}, None),  # parsed in no time at all
        ({"ratelimit": '"api";r=0;t=120'}, 120),
        ({"ratelimit": '"api";r=3;t=120'}, None),
        ({"retry-after": "7", "ratelimit": '"api";r=0;t=120'}, 7),
    ],
)
def test_parse_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert parse_wait(headers, now=NOW) == seconds
