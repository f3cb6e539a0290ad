"""How do we ask? Claims about politeness, patience and limits, over real HTTP on loopback."""

import dataclasses
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx
import pytest

from digest.models.errors import SourceChanged, SourceError
from digest.sources.http.client import Client, ClientPolicy, asked_to_wait
from digest.sources.http.response import Answer, BadResponse, CutShort, Inflater, Wants
from digest.sources.http.ssrf import public_address
from tests.replay_server import ReplayServer, Reply

FEED = b"<rss><channel/></rss>"


async def ask(client: Client, server: ReplayServer, path: str = "/feed", family: str = "arxiv") -> Answer:
    return await client.get(f"{server.url}{path}", family=family, wants=Wants.XML)


async def test_an_answer_comes_with_its_body_and_its_validators(client: Client, server: ReplayServer) -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Mon, 23 Nov 2026 05:00:00 GMT"}
    server.answer("/feed", Reply(body=FEED, headers=headers, packed=True))
    answer = await ask(client, server)
    assert (answer.body, answer.etag, answer.last_modified) == (FEED, '"v1"', headers["Last-Modified"])


async def test_we_say_who_we_are_and_how_to_reach_us(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(body=FEED))
    await ask(client, server)
    agent = server.requests[0].headers["User-Agent"]
    assert agent.startswith("digest-test/1 (+https://")
    assert "mailto:" in agent


async def test_an_unchanged_answer_is_told_by_the_server(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(status=304))
    assert (await ask(client, server)).unchanged


async def test_one_family_is_asked_one_at_a_time_and_in_its_interval(
    server: ReplayServer, hurried: ClientPolicy
) -> None:
    server.answer("/feed", Reply(body=FEED))
    server.answer("/list", Reply(body=FEED))
    paced = dataclasses.replace(hurried, intervals={"arxiv": 0.1})
    async with Client(paced, trusted=(server.url,)) as client, anyio.create_task_group() as tasks:
        for path in ("/feed", "/list", "/feed"):
            tasks.start_soon(ask, client, server, path)
        tasks.start_soon(ask, client, server, "/feed", "other")
    times = sorted(asked.at for asked in server.requests)
    assert times[-1] - times[0] >= 0.2  # three of the family, two intervals; the other did not wait


async def test_a_busy_server_is_asked_again_after_the_time_it_named(
    client: Client, server: ReplayServer
) -> None:
    busy = Reply(status=429, headers={"Retry-After": "1"}, body=b"Rate exceeded.")
    server.answer("/feed", busy, Reply(body=FEED))
    assert (await ask(client, server)).body == FEED
    first, second = server.requests
    assert second.at - first.at >= 1


async def test_the_date_form_of_retry_after_is_understood_too(client: Client, server: ReplayServer) -> None:
    passed = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    server.answer("/feed", Reply(status=503, headers={"Retry-After": passed}), Reply(body=FEED))
    assert (await ask(client, server)).body == FEED


async def test_a_server_that_wants_a_long_pause_gets_it(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(status=429, headers={"Retry-After": "3600"}), Reply(body=FEED))
    with pytest.raises(SourceError, match="429"):
        await ask(client, server)
    with pytest.raises(SourceError, match=r"not asked again for 3[56]"):
        await ask(client, server)
    assert len(server.requests) == 1


async def test_a_used_up_allowance_is_respected_before_the_next_question(
    client: Client, server: ReplayServer
) -> None:
    server.answer("/feed", Reply(body=FEED, headers={"RateLimit": '"api";r=0;t=250'}))
    await ask(client, server)
    with pytest.raises(SourceError, match="allowance"):
        await ask(client, server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_final_no_is_not_asked_twice(client: Client, server: ReplayServer, status: int) -> None:
    server.answer("/feed", Reply(status=status, body=b"no"))
    with pytest.raises(BadResponse) as refused:
        await ask(client, server)
    assert refused.value.answer.body == b"no"
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_passing_trouble_is_tried_again(client: Client, server: ReplayServer, status: int) -> None:
    server.answer("/feed", Reply(status=status), Reply(status=status), Reply(body=FEED))
    assert (await ask(client, server)).body == FEED


async def test_a_host_that_stays_down_is_left_alone_for_a_while(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(status=502))
    for message in ("502", "not asked again"):
        with pytest.raises(SourceError, match=message):
            await ask(client, server)
    assert len(server.requests) == 3


async def test_what_else_a_mirror_serves_is_unharmed_by_one_service_that_is_down(
    client: Client, server: ReplayServer
) -> None:
    server.answer("/rss/cs.CL", Reply(status=503))
    server.answer("/api/daily_papers", Reply(body=b"[]"))
    with pytest.raises(SourceError, match="503"):
        await client.get(server.url + "/rss/cs.CL", family="arxiv", wants=Wants.XML)
    answer = await client.get(server.url + "/api/daily_papers", family="huggingface", wants=Wants.JSON)
    assert answer.body == b"[]"


async def test_a_dead_host_is_one_clear_sentence(server: ReplayServer, hurried: ClientPolicy) -> None:
    dead = "http://127.0.0.1:9"
    async with Client(hurried, trusted=(dead,)) as client:
        with pytest.raises(SourceError, match="could not be reached"):
            await client.get(f"{dead}/feed", family="arxiv", wants=Wants.XML)


async def test_a_server_that_never_answers_does_not_hold_us(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(silent=True))
    with pytest.raises(SourceError, match="did not answer"):
        await ask(client, server)


async def test_a_body_that_breaks_off_every_time_is_handed_over_as_far_as_it_came(
    client: Client, server: ReplayServer
) -> None:
    server.answer("/feed", Reply(body=FEED, cut=9))
    with pytest.raises(CutShort) as cut:
        await ask(client, server)
    assert cut.value.body == FEED[:9]
    assert len(server.requests) == 3


async def test_a_body_that_broke_off_once_is_simply_asked_for_again(
    client: Client, server: ReplayServer
) -> None:
    server.answer("/feed", Reply(body=FEED, cut=9), Reply(body=FEED))
    assert (await ask(client, server)).body == FEED


async def test_no_answer_is_larger_than_allowed_also_not_when_it_is_unpacked(
    server: ReplayServer, hurried: ClientPolicy
) -> None:
    bomb = gzip.compress(b"<rss>" + b" " * 5_000_000)
    server.answer("/bomb", Reply(body=bomb, headers={"Content-Encoding": "gzip"}))
    server.answer("/long", Reply(body=b"<rss>" + b" " * 200_000))
    small = dataclasses.replace(hurried, largest=100_000)
    async with Client(small, trusted=(server.url,)) as client:
        for path in ("/bomb", "/long"):
            with pytest.raises(SourceError, match="larger than 100,000 bytes"):
                await ask(client, server, path)
    assert len(server.requests) == 2


async def test_a_web_page_where_a_feed_was_expected_is_a_change(client: Client, server: ReplayServer) -> None:
    page = b"<!DOCTYPE html><html><head><title>Down for maintenance</title></head></html>"
    server.answer("/feed", Reply(body=page))
    with pytest.raises(SourceChanged, match=r"web page.*Down for maintenance"):
        await ask(client, server)


@pytest.mark.parametrize(("wants", "body"), [(Wants.JSON, b"Rate exceeded."), (Wants.XML, b"{}")])
async def test_what_is_of_another_kind_is_a_change(
    client: Client, server: ReplayServer, wants: Wants, body: bytes
) -> None:
    server.answer("/feed", Reply(body=body))
    with pytest.raises(SourceChanged):
        await client.get(f"{server.url}/feed", family="x", wants=wants)


async def test_a_redirect_on_the_same_host_is_followed(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(status=301, headers={"Location": "/new"}))
    server.answer("/new", Reply(body=FEED))
    answer = await ask(client, server)
    assert (answer.body, answer.url) == (FEED, f"{server.url}/new")


async def test_a_circle_of_redirects_ends(client: Client, server: ReplayServer) -> None:
    server.answer("/feed", Reply(status=302, headers={"Location": "/feed"}))
    with pytest.raises(SourceError, match="more than 5 redirects"):
        await ask(client, server)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/admin", "http://localhost:1/", "http://10.0.0.1/", "http://169.254.169.254/latest/",
        "http://[::1]:1/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://2130706433/",
        "http://[fd00::1]/", "http://[64:ff9b::7f00:1]/",
    ],
)  # fmt: skip
async def test_a_redirect_into_a_private_network_is_not_followed(
    client: Client, server: ReplayServer, location: str
) -> None:
    server.answer("/feed", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError, match=r"private network|no host"):
        await ask(client, server)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/x", "gopher://x/"])
async def test_a_redirect_to_another_scheme_is_not_followed(
    client: Client, server: ReplayServer, location: str
) -> None:
    server.answer("/feed", Reply(status=302, headers={"Location": location}))
    with pytest.raises(SourceError, match="not followed"):
        await ask(client, server)


async def test_a_name_that_points_into_a_private_network_is_not_asked(
    server: ReplayServer, hurried: ClientPolicy
) -> None:
    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34", "192.168.1.1"]

    server.answer("/feed", Reply(status=302, headers={"Location": "http://innocent.example/feed"}))
    async with Client(hurried, trusted=(server.url,), ask=rebinding) as client:
        with pytest.raises(SourceError, match=r"innocent\.example is an address inside a private network"):
            await ask(client, server)


async def test_what_the_operator_did_not_set_may_not_be_private_even_without_a_redirect(
    server: ReplayServer, hurried: ClientPolicy
) -> None:
    async with Client(hurried) as client:
        with pytest.raises(SourceError, match="private network"):
            await ask(client, server)
    assert not server.requests


async def test_a_key_does_not_travel_to_another_host(server: ReplayServer, hurried: ClientPolicy) -> None:
    with ReplayServer() as other:
        server.answer("/feed", Reply(status=302, headers={"Location": f"{other.url}/feed"}))
        other.answer("/feed", Reply(body=FEED))
        async with Client(hurried, trusted=(server.url, other.url)) as client:
            await client.get(
                f"{server.url}/feed", family="x", wants=Wants.XML, headers={"x-api-key": "secret"}
            )
        assert "secret" in server.requests[0].headers.values()
        assert "secret" not in other.requests[0].headers.values()


async def test_a_public_host_is_reached_at_the_very_address_that_was_checked(hurried: ClientPolicy) -> None:
    async def once(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.216.34"]

    async with Client(hurried, ask=once) as client:
        asked = client._http.build_request("GET", "https://papers.example/feed?a=1")
        pinned = await client._pin(asked)
    assert str(pinned.url) == "https://93.184.216.34/feed?a=1"
    assert pinned.headers["Host"] == "papers.example"
    assert pinned.extensions["sni_hostname"] == "papers.example"


def test_what_a_compressed_answer_drags_behind_its_end_is_counted_too() -> None:
    inflater = Inflater("gzip", 1000)
    inflater.feed(gzip.compress(b"{}"))
    with pytest.raises(SourceError, match="larger than 1,000 bytes"):
        inflater.feed(b"x" * 1000)


@pytest.mark.parametrize(
    "address", ["::7f00:1", "::a9fe:a9fe", "fec0::1", "64:ff9b:1::7f00:1", "5f00::1", "2002:7f00:1::"]
)
async def test_no_disguise_of_an_inner_address_is_public(address: str) -> None:
    async def ask(_: str, __: int) -> Sequence[str]:
        return [address]

    with pytest.raises(SourceError, match="private network"):
        await public_address(httpx.URL("https://feeds.example/"), ask=ask)


async def test_a_stranger_cannot_lead_us_to_an_inner_host_that_the_operator_set(
    hurried: ClientPolicy,
) -> None:
    async def ask(host: str, _: int) -> Sequence[str]:
        return ["10.0.0.5"] if host == "mirror.example" else ["93.184.215.14"]

    def ours() -> httpx.Request:
        return httpx.Request("GET", "http://mirror.example/feed")

    async with Client(hurried, trusted=["http://mirror.example/feed"], ask=ask) as client:
        assert (await client._pin(ours())).url.host == "mirror.example"
        moved = client._redirected(ours(), "/elsewhere")
        assert (await client._pin(moved)).url.host == "mirror.example"
        led = client._redirected(httpx.Request("GET", "http://stranger.example/"), "http://mirror.example/")
        with pytest.raises(SourceError, match="private network"):
            await client._pin(led)


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
        ({"ratelimit": "r=0 " * 25_000}, None),  # read in no time at all
        ({"ratelimit": '"api";r=0;t=120'}, 120),
        ({"ratelimit": '"api";r=3;t=120'}, None),
        ({"retry-after": "7", "ratelimit": '"api";r=0;t=120'}, 7),
    ],
)
def test_the_wish_to_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers, now=NOW) == seconds
