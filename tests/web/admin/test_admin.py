"""Who may administer, and can anyone be tricked into it?"""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient, Response

from digest.app.services import Services, open_services
from digest.app.settings import load
from digest.models import Profile, Status, Subscriber
from digest.web.admin import auth, overview, subscribers, transfer
from digest.web.app import build
from tests.factories import NOW, paper
from tests.web.visit import ADMIN, BASE, TITLES, VIEWER, Clock, Look

OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}


async def sign_in(visitor: AsyncClient, token: str = ADMIN) -> Response:
    return await visitor.post("/admin/login", data={"token": token}, headers=OURS)


async def csrf(visitor: AsyncClient) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', (await visitor.get("/admin")).text)
    assert found
    return found[1]


@pytest.fixture
async def admin(visitor: AsyncClient) -> AsyncClient:
    """Someone signed in with the admin token."""
    assert (await sign_in(visitor)).status_code == 303
    return visitor


POSTS = [
    "/admin/release", "/admin/subscribers", "/admin/subscribers/{pid}", "/admin/subscribers/{pid}/pause",
    "/admin/subscribers/{pid}/resume", "/admin/subscribers/{pid}/suppress", "/admin/subscribers/{pid}/erase",
    "/admin/import",
]  # fmt: skip


def test_every_change_of_the_administration_is_among_the_attacked() -> None:
    routes = [each for room in (auth, transfer, overview, subscribers) for each in room.router.routes]
    paths = {each.path for each in routes if isinstance(each, APIRoute) and "POST" in (each.methods or ())}
    known = {re.sub(r"/(pause|resume|suppress|erase)$", "/{action}", path) for path in POSTS}
    assert paths == known | {"/admin/login", "/admin/logout"}


async def test_without_a_token_configured_administration_and_api_are_not_there(
    tmp_path: Path, clock: Clock
) -> None:
    services = open_services(load(database_url=f"sqlite:///{tmp_path}/other.sqlite3", base_url=BASE))
    app = build(services, clock=clock)
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as visitor:
        for path in ("/admin", "/admin/login", "/api/v1/subscribers", "/api/v1/openapi.json"):
            assert (await visitor.get(path)).status_code == 404
        assert (await sign_in(visitor, "")).status_code == 404
    services.close()


async def test_who_is_not_signed_in_is_sent_to_the_login(visitor: AsyncClient) -> None:
    for path in ("/admin", "/admin/subscribers", "/admin/audit", "/admin/import", "/admin/export.csv"):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/login")


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: AsyncClient) -> None:
    cookie = (await sign_in(visitor)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ADMIN not in cookie


async def test_a_wrong_token_soon_has_to_wait(visitor: AsyncClient) -> None:
    codes = [(await sign_in(visitor, f"guess {n}")).status_code for n in range(8)]
    assert codes[:5] == [403] * 5
    assert codes[-1] == 429
    assert (await sign_in(visitor)).status_code == 429


ATTACKS = {
    "another site": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "a sandboxed page": {"origin": "null"},
    "a sibling site": {"origin": BASE.replace("papers", "evil"), "sec-fetch-site": "same-site"},
    "nobody says from where": {},
    "an old browser from another site": {"origin": "https://evil.example"},
}


@pytest.mark.parametrize("headers", ATTACKS.values(), ids=ATTACKS.keys())
async def test_another_site_cannot_post_in_the_administrators_name(
    admin: AsyncClient, ada: Subscriber, reader_now: Look, headers: dict[str, str]
) -> None:
    form = {"csrf": await csrf(admin), "key": "x", "email": "new@example.com"}
    for path in (*POSTS, "/admin/logout"):
        assert (await admin.post(path.format(pid=ada.pid), data=form, headers=headers)).status_code == 403
        plain = {**headers, "content-type": "text/plain"}
        assert (
            await admin.post(path.format(pid=ada.pid), content="csrf=x", headers=plain)
        ).status_code == 403
    assert reader_now(ada.address) == ada
    assert reader_now("new@example.com") is None


async def test_without_the_pages_own_token_nothing_is_changed(
    admin: AsyncClient, ada: Subscriber, reader_now: Look
) -> None:
    for form in ({}, {"csrf": ""}, {"csrf": "0" * 40}):
        for path in POSTS:
            assert (await admin.post(path.format(pid=ada.pid), data=form, headers=OURS)).status_code == 403
    assert reader_now(ada.address) == ada


async def test_a_viewer_sees_everything_and_changes_nothing(
    visitor: AsyncClient, ada: Subscriber, reader_now: Look
) -> None:
    await sign_in(visitor, VIEWER)
    page = (await visitor.get(f"/admin/subscribers/{ada.pid}")).text
    assert "ada@example.com" in page
    assert "Erase" not in page
    form = {"csrf": await csrf(visitor)}
    for path in POSTS:
        assert (await visitor.post(path.format(pid=ada.pid), data=form, headers=OURS)).status_code == 403
    assert reader_now(ada.address) == ada


async def test_a_session_ends_when_its_token_is_changed(
    admin: AsyncClient, app: FastAPI, services: Services
) -> None:
    assert (await admin.get("/admin")).status_code == 200
    changed = Services(
        services.settings.model_copy(update={"admin_token": load(admin_token="x").admin_token}),
        services.store,
    )
    app.state.ctx = build(changed, clock=app.state.ctx.clock).state.ctx
    assert (await admin.get("/admin")).status_code == 303


async def test_signing_out_ends_every_copy_of_the_cookie(admin: AsyncClient) -> None:
    stolen = dict(admin.cookies)
    await admin.post("/admin/logout", headers=OURS)
    admin.cookies.update(stolen)
    assert (await admin.get("/admin")).status_code == 303


async def test_over_https_the_browser_holds_the_cookie_to_this_host_and_lets_it_go(
    tmp_path: Path, clock: Clock
) -> None:
    base = BASE.replace("http:", "https:")
    services = open_services(
        load(database_url=f"sqlite:///{tmp_path}/s.sqlite3", base_url=base, admin_token=ADMIN)
    )
    ours = {"origin": base, "sec-fetch-site": "same-origin"}
    async with AsyncClient(transport=ASGITransport(build(services, clock=clock)), base_url=base) as admin:
        opened = await admin.post("/admin/login", data={"token": ADMIN}, headers=ours)
        assert (await admin.get("/admin")).status_code == 200
        ended = await admin.post("/admin/logout", headers=ours)
        assert not admin.cookies
    for answer in (opened, ended):  # what a browser asks of a name that begins so, or it heeds nothing
        name, *marks = re.split(r"; ?", answer.headers["set-cookie"])
        assert name.startswith("__Host-admin=")
        assert {"Secure", "Path=/"} <= {*marks}
    services.close()


async def test_a_session_lasts_twelve_hours(admin: AsyncClient, clock: Clock) -> None:
    clock.advance(hours=11.9)
    assert (await admin.get("/admin")).status_code == 200
    clock.advance(hours=0.2)
    assert (await admin.get("/admin")).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "admin.1.x.y", "root.1.2.3", "admin", "\u00e9"])
async def test_a_forged_cookie_opens_nothing(visitor: AsyncClient, cookie: str) -> None:
    answer = await visitor.get("/admin", headers=[(b"cookie", b"admin=" + cookie.encode())])
    assert answer.status_code == 303


async def test_subscribers_are_searched_filtered_and_paged(
    admin: AsyncClient, services: Services, ada: Subscriber, bob: Subscriber
) -> None:
    with services.store.begin() as tx:
        for n in range(60):
            tx.subscribers.add(f"reader{n}@example.org", now=NOW)
    page = (await admin.get("/admin/subscribers")).text
    assert "62 subscribers" in page
    assert "page=2" in page
    found = (await admin.get("/admin/subscribers?q=ADA@&status=confirmed")).text
    assert ada.address in found
    assert bob.address not in found
    assert "Nobody" in (await admin.get("/admin/subscribers", params={"q": "%' OR 1=1 --"})).text


async def test_a_subscriber_is_added_changed_paused_suppressed_and_erased(
    admin: AsyncClient, reader_now: Look
) -> None:
    own = {"csrf": await csrf(admin)}
    added = await admin.post(
        "/admin/subscribers",
        data={**own, "email": "eve@example.com", "keywords": "tea", "confirmed": "on"},
        headers=OURS,
    )
    home = added.headers["location"]
    eve = reader_now("eve@example.com")
    assert eve
    assert eve.status is Status.CONFIRMED
    await admin.post(home, data={**own, "keywords": "tea, cups", "send_at": "09:15"}, headers=OURS)
    changed = reader_now("eve@example.com")
    assert changed
    assert changed.profile.keywords == ("tea", "cups")
    assert (await admin.post(home, data={**own, "send_at": "late"}, headers=OURS)).status_code == 422
    for action, status in (("pause", "paused"), ("resume", "confirmed"), ("suppress", "unsubscribed")):
        assert (await admin.post(f"{home}/{action}", data=own, headers=OURS)).status_code == 303
        assert status in str(reader_now("eve@example.com"))
    await admin.post(f"{home}/erase", data=own, headers=OURS)
    assert reader_now("eve@example.com") is None
    assert "erase" in (await admin.get("/admin/audit")).text


async def test_the_log_leads_to_the_reader_it_speaks_of(admin: AsyncClient, ada: Subscriber) -> None:
    form = {"csrf": await csrf(admin)}
    await admin.post(f"/admin/subscribers/{ada.pid}/pause", data=form, headers=OURS)
    for path in ("/admin", "/admin/audit"):
        page = (await admin.get(path)).text
        assert f'<a href="/admin/subscribers/{ada.pid}">ada@example.com</a>' in page
        assert "(UTC)" in page


async def test_why_a_paper_was_not_sent_is_explained(
    admin: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin(write=False) as tx:
        sheep = tx.papers.search("sheep")[0]
    page = await admin.get(f"/admin/subscribers/{ada.pid}", params={"paper": sheep.url})
    assert TITLES[0] in page.text
    assert "Today" in page.text
    unknown = await admin.get(f"/admin/subscribers/{ada.pid}", params={"paper": "1234.56789"})
    assert "No source has announced this paper" in unknown.text


async def test_a_held_edition_is_released_and_the_log_says_by_whom(
    admin: AsyncClient, services: Services
) -> None:
    with services.store.begin() as tx:
        tx.sources.hold("daily/2026-11-23", "arXiv answered with half a day.", at=NOW)
    assert "half a day" in (await admin.get("/admin")).text
    form = {"csrf": await csrf(admin), "key": "daily/2026-11-23"}
    assert (await admin.post("/admin/release", data=form, headers=OURS)).status_code == 303
    assert "half a day" not in (await admin.get("/admin")).text
    assert "release" in (await admin.get("/admin/audit")).text


async def test_hostile_titles_and_addresses_are_inert_in_the_administration(
    admin: AsyncClient, services: Services
) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    with services.store.begin() as tx:
        hostile = paper(nasty)
        tx.papers.add([hostile], seen_at=NOW)
        reader = tx.subscribers.add("x@example.com", profile=Profile(keywords=("<b>x</b>",)), now=NOW)
        tx.sources.hold("daily/x", nasty, at=NOW)
    for path in ("/admin", "/admin/subscribers", f"/admin/subscribers/{reader.pid}?paper={hostile.id}"):
        answer = await admin.get(path)
        assert answer.status_code == 200
        assert "<img" not in answer.text
        assert "<b>" not in answer.text
        assert "script-src" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


async def test_a_file_is_checked_first_and_then_taken_in(admin: AsyncClient, reader_now: Look) -> None:
    own = {"csrf": await csrf(admin)}
    sheet = "\ufeffEmail;Keywords\r\nann@example.com;tea, cups\r\nnobody;x\r\nAnn@Example.com;y\r\n"
    file = {"file": ("people.csv", sheet.encode(), "text/csv")}
    checked = await admin.post("/admin/import", data={**own, "dry_run": "on"}, files=file, headers=OURS)
    assert "Checked only" in checked.text
    assert "1 added, 1 invalid, 1 duplicate" in checked.text
    assert reader_now("ann@example.com") is None
    await admin.post("/admin/import", data={**own, "confirmed": "on"}, files=file, headers=OURS)
    ann = reader_now("ann@example.com")
    assert ann
    assert ann.profile.keywords == ("tea", "cups")
    told = await admin.post("/admin/import", data=own, files={"file": ("x", b"\xff\xfe\x00")}, headers=OURS)
    assert told.status_code == 422


async def test_an_export_holds_everyone_and_no_formula(
    admin: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.subscribers.add("eve@example.com", profile=Profile(keywords=("=1+1", "tea")), now=NOW)
    sheet = (await admin.get("/admin/export.csv")).text
    assert ada.address in sheet
    assert '"\'=1+1, tea"' in sheet
