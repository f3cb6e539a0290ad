"""Tests of the administration: sign-in, forged requests, and every page."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient, Response

from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.cli import COMMANDS
from digest.db.backup import format_restored
from digest.db.deliveries.bounce_policy import AlikeAnswer
from digest.models import Profile, Status, Subscriber, SuppressionReason
from digest.models.addresses import hash_address
from digest.pipeline.alerts import find_judgement_problems
from digest.pipeline.clock_repair import LAST_TICK_KEY
from digest.pipeline.status import SEND_BLOCKED_KEY
from digest.web.admin import audit, bulk, overview, subscriber, subscribers, suppressions, transfer
from digest.web.app import create_app
from tests.factories import NOW, make_paper, store_subscriber
from tests.web.visit import ADMIN, BASE, TITLES, VIEWER, Clock, ReaderLookup

OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}


async def sign_in(visitor: AsyncClient, token: str = ADMIN) -> Response:
    return await visitor.post("/admin/login", data={"token": token}, headers=OURS)


async def csrf(visitor: AsyncClient) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', (await visitor.get("/admin")).text)
    assert match
    return match[1]


@pytest.fixture
async def admin(visitor: AsyncClient) -> AsyncClient:
    """Someone signed in with the admin token."""
    assert (await sign_in(visitor)).status_code == 303
    return visitor


POSTS = [
    "/admin/release", "/admin/subscribers", "/admin/subscribers/{pid}", "/admin/subscribers/{pid}/pause",
    "/admin/subscribers/{pid}/resume", "/admin/subscribers/{pid}/suppress", "/admin/subscribers/{pid}/erase",
    "/admin/subscribers/{pid}/lift", "/admin/subscribers/{pid}/tags", "/admin/subscribers/{pid}/address",
    "/admin/subscribers/{pid}/mails/x/resend", "/admin/import", "/admin/bulk", "/admin/filters",
    "/admin/filters/delete", "/admin/operations/x/undo", "/admin/operations/x/continue",
    "/admin/suppressions", "/admin/suppressions/lift", "/admin/suppressions/import",
]  # fmt: skip


def test_every_post_route_is_attacked() -> None:
    modules = (transfer, overview, audit, bulk, subscribers, subscriber, suppressions)
    routes = [
        route
        for module in modules
        for route in module.router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    ]
    attacked = {next(r.path for r in routes if r.path_regex.match(path.format(pid="p"))) for path in POSTS}
    assert {route.path for route in routes} == attacked


async def test_without_a_configured_token_administration_and_api_are_disabled(
    tmp_path: Path, clock: Clock
) -> None:
    services = open_services(load_settings(database_url=f"sqlite:///{tmp_path}/other.sqlite3", base_url=BASE))
    app = create_app(services, clock=clock)
    async with AsyncClient(transport=ASGITransport(app), base_url=BASE) as visitor:
        for path in ("/admin", "/admin/login", "/api/v1/subscribers", "/api/v1/openapi.json"):
            assert (await visitor.get(path)).status_code == 404
        assert (await sign_in(visitor, "")).status_code == 404
    services.close()


async def test_pages_without_a_session_redirect_to_the_login(visitor: AsyncClient) -> None:
    for path in ("/admin", "/admin/subscribers", "/admin/audit", "/admin/import", "/admin/export.csv"):
        response = await visitor.get(path)
        assert (response.status_code, response.headers["location"]) == (303, "/admin/login")


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(visitor: AsyncClient) -> None:
    cookie = (await sign_in(visitor)).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert ADMIN not in cookie


async def test_wrong_tokens_are_rate_limited_and_lock_the_right_one_not_out(visitor: AsyncClient) -> None:
    codes = [(await sign_in(visitor, f"guess {n}")).status_code for n in range(8)]
    assert codes[:5] == [403] * 5
    assert codes[-1] == 429
    assert (await sign_in(visitor)).status_code == 303
    assert (await visitor.get("/admin")).status_code == 200


ATTACKS = {
    "another site": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "a sandboxed page": {"origin": "null"},
    "a sibling site": {"origin": BASE.replace("papers", "evil"), "sec-fetch-site": "same-site"},
    "nobody says from where": {},
    "an old browser from another site": {"origin": "https://evil.example"},
}


@pytest.mark.parametrize("headers", ATTACKS.values(), ids=ATTACKS.keys())
async def test_another_site_cannot_post_in_the_administrators_name(
    admin: AsyncClient, ada: Subscriber, find_reader: ReaderLookup, headers: dict[str, str]
) -> None:
    form = {"csrf": await csrf(admin), "key": "x", "email": "new@example.com"}
    for path in (*POSTS, "/admin/logout"):
        assert (
            await admin.post(path.format(pid=ada.public_id), data=form, headers=headers)
        ).status_code == 403
        plain = {**headers, "content-type": "text/plain"}
        assert (
            await admin.post(path.format(pid=ada.public_id), content="csrf=x", headers=plain)
        ).status_code == 403
    assert find_reader(ada.address) == ada
    assert find_reader("new@example.com") is None


async def test_a_post_without_the_csrf_token_changes_nothing(
    admin: AsyncClient, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    for form in ({}, {"csrf": ""}, {"csrf": "0" * 40}):
        for path in POSTS:
            assert (
                await admin.post(path.format(pid=ada.public_id), data=form, headers=OURS)
            ).status_code == 403
    assert find_reader(ada.address) == ada


async def test_a_viewer_sees_everything_and_changes_nothing(
    visitor: AsyncClient, ada: Subscriber, find_reader: ReaderLookup
) -> None:
    await sign_in(visitor, VIEWER)
    page = (await visitor.get(f"/admin/subscribers/{ada.public_id}")).text
    assert "ada@example.com" in page
    assert "Erase" not in page
    form = {"csrf": await csrf(visitor)}
    for path in POSTS:
        assert (
            await visitor.post(path.format(pid=ada.public_id), data=form, headers=OURS)
        ).status_code == 403
    assert find_reader(ada.address) == ada


async def test_a_session_ends_when_its_token_is_changed(
    admin: AsyncClient, app: FastAPI, services: Services
) -> None:
    assert (await admin.get("/admin")).status_code == 200
    changed = Services(
        services.settings.model_copy(
            update={"admin_token": load_settings(admin_token="a-newer-admin-token").admin_token}
        ),
        services.store,
    )
    app.state.ctx = create_app(changed, clock=app.state.ctx.clock).state.ctx
    assert (await admin.get("/admin")).status_code == 303


async def test_signing_out_ends_every_copy_of_the_cookie(admin: AsyncClient) -> None:
    stolen = dict(admin.cookies)
    await admin.post("/admin/logout", headers=OURS)
    admin.cookies.update(stolen)
    assert (await admin.get("/admin")).status_code == 303


async def test_over_https_the_cookie_is_bound_to_this_host_and_can_be_deleted(
    tmp_path: Path, clock: Clock
) -> None:
    base = BASE.replace("http:", "https:")
    services = open_services(
        load_settings(database_url=f"sqlite:///{tmp_path}/s.sqlite3", base_url=base, admin_token=ADMIN)
    )
    headers = {"origin": base, "sec-fetch-site": "same-origin"}
    async with AsyncClient(
        transport=ASGITransport(create_app(services, clock=clock)), base_url=base
    ) as admin:
        opened = await admin.post("/admin/login", data={"token": ADMIN}, headers=headers)
        assert (await admin.get("/admin")).status_code == 200
        ended = await admin.post("/admin/logout", headers=headers)
        assert not admin.cookies
    for response in (opened, ended):  # required by browsers for a __Host- name
        name, *marks = re.split(r"; ?", response.headers["set-cookie"])
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
    response = await visitor.get("/admin", headers=[(b"cookie", b"admin=" + cookie.encode())])
    assert response.status_code == 303


async def test_subscribers_are_searched_filtered_and_paged(
    admin: AsyncClient, services: Services, ada: Subscriber, bob: Subscriber
) -> None:
    with services.store.begin() as tx:
        for n in range(60):
            store_subscriber(tx, f"reader{n}@example.org", now=NOW)
    page = (await admin.get("/admin/subscribers")).text
    assert "62 subscribers" in page
    assert "page=2" in page
    past = await admin.get("/admin/subscribers?q=example.org&sort=address&page=9")
    assert (past.status_code, past.headers["location"]) == (
        303, "/admin/subscribers?q=example.org&sort=address&page=2",
    )  # fmt: skip
    page = (await admin.get("/admin/subscribers?q=ADA@&status=confirmed")).text
    assert ada.address in page
    assert bob.address not in page
    assert "Nobody" in (await admin.get("/admin/subscribers", params={"q": "%' OR 1=1 --"})).text


async def test_the_page_of_a_subscriber_shows_why_bounces_ended_the_subscription(
    admin: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        tx.suppressions.add(
            hash_address(services.suppression_key, ada.address),
            SuppressionReason.HARD,
            now=NOW,
            source="delivery 5.1.1",
            evidence="550 5.1.1 <b>nobody</b> here",
        )
    page = (await admin.get(f"/admin/subscribers/{ada.public_id}")).text
    assert "Bounced (delivery 5.1.1)" in page
    assert "550 5.1.1 &lt;b&gt;nobody&lt;/b&gt; here" in page


async def test_a_subscriber_is_added_changed_paused_suppressed_and_erased(
    admin: AsyncClient, find_reader: ReaderLookup
) -> None:
    csrf_field = {"csrf": await csrf(admin)}
    added = await admin.post(
        "/admin/subscribers",
        data={**csrf_field, "email": "eve@example.com", "keywords": "tea", "confirmed": "on"},
        headers=OURS,
    )
    home = added.headers["location"].removesuffix("?done=added")
    eve = find_reader("eve@example.com")
    assert eve
    assert eve.status is Status.CONFIRMED
    await admin.post(home, data={**csrf_field, "keywords": "tea, cups", "send_at": "09:15"}, headers=OURS)
    changed = find_reader("eve@example.com")
    assert changed
    assert changed.profile.keywords == ("tea", "cups")
    (field,) = BeautifulSoup((await admin.get(home)).text, "lxml").select("textarea[name=keywords]")
    assert field.get_text() == "tea, cups"  # a long list is seen whole
    assert (await admin.post(home, data={**csrf_field, "send_at": "late"}, headers=OURS)).status_code == 422
    for action, status in (("pause", "paused"), ("resume", "confirmed"), ("suppress", "unsubscribed")):
        assert (await admin.post(f"{home}/{action}", data=csrf_field, headers=OURS)).status_code == 303
        assert status in str(find_reader("eve@example.com"))
    await admin.post(f"{home}/erase", data=csrf_field, headers=OURS)
    assert find_reader("eve@example.com") is None
    assert "erase" in (await admin.get("/admin/audit")).text


async def test_the_audit_log_links_to_the_subscriber(admin: AsyncClient, ada: Subscriber) -> None:
    form = {"csrf": await csrf(admin)}
    await admin.post(f"/admin/subscribers/{ada.public_id}/pause", data=form, headers=OURS)
    for path in ("/admin", "/admin/audit"):
        page = (await admin.get(path)).text
        assert f'<a href="/admin/subscribers/{ada.public_id}">ada@example.com</a>' in page
        assert "(UTC)" in page


async def test_why_a_paper_was_not_sent_is_explained(
    admin: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin(write=False) as tx:
        sheep = tx.papers.search("sheep")[0]
    page = await admin.get(f"/admin/subscribers/{ada.public_id}", params={"paper": sheep.url})
    assert TITLES[0] in page.text
    assert "Today" in page.text
    unknown = await admin.get(f"/admin/subscribers/{ada.public_id}", params={"paper": "1234.56789"})
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


async def test_what_was_typed_stays_when_a_subscriber_cannot_be_added(admin: AsyncClient) -> None:
    typed = {"email": 'eve@"nowhere', "keywords": "tea, <cups>", "confirmed": "on"}
    refused = await admin.post("/admin/subscribers", data={"csrf": await csrf(admin)} | typed, headers=OURS)
    assert refused.status_code == 422
    form = BeautifulSoup(refused.text, "html.parser").select_one("[aria-labelledby=add-title] form")
    assert form
    assert [form.select(f"[name={name}]")[0].get("value") for name in ("email", "keywords")] == [
        'eve@"nowhere',
        "tea, <cups>",
    ]
    assert form.select("[name=confirmed][checked]")
    fresh = BeautifulSoup((await admin.get("/admin/subscribers")).text, "html.parser")
    assert not fresh.select("[aria-labelledby=add-title] [name=confirmed][checked]")


async def test_hostile_titles_and_addresses_are_inert_in_the_administration(
    admin: AsyncClient, services: Services
) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    with services.store.begin() as tx:
        hostile = make_paper(nasty)
        tx.papers.add([hostile], seen_at=NOW)
        reader = store_subscriber(tx, "x@example.com", profile=Profile(keywords=("<b>x</b>",)), now=NOW)
        tx.sources.hold("daily/x", nasty, at=NOW)
    for path in ("/admin", "/admin/subscribers", f"/admin/subscribers/{reader.public_id}?paper={hostile.id}"):
        response = await admin.get(path)
        assert response.status_code == 200
        assert "<img" not in response.text
        assert "<b>" not in response.text
        assert "script-src" not in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"


async def test_an_import_can_be_checked_before_it_is_made(
    admin: AsyncClient, find_reader: ReaderLookup
) -> None:
    csrf_field = {"csrf": await csrf(admin)}
    sheet = "\ufeffEmail;Keywords;First name\r\nann@example.com;tea, cups;Ann\r\nnobody;x\r\n"
    sheet += "Ann@Example.com;y\r\n"
    file = {"file": ("people.csv", sheet.encode(), "text/csv")}
    checked = await admin.post(
        "/admin/import", data={**csrf_field, "dry_run": "on"}, files=file, headers=OURS
    )
    assert "Checked only" in checked.text
    assert "1 added, 1 invalid, 1 duplicate" in checked.text
    assert "not used: First name." in checked.text
    assert "choose the file once more" in checked.text
    assert find_reader("ann@example.com") is None
    await admin.post("/admin/import", data={**csrf_field, "confirmed": "on"}, files=file, headers=OURS)
    ann = find_reader("ann@example.com")
    assert ann
    assert ann.profile.keywords == ("tea", "cups")
    timeline = (await admin.get(f"/admin/subscribers/{ann.public_id}")).text
    assert "import by DIGEST_ADMIN_TOKEN" in timeline
    assert "consent: asserted" in (await admin.get("/admin")).text
    invalid = await admin.post(
        "/admin/import", data=csrf_field, files={"file": ("x", b"\xff\xfe\x00")}, headers=OURS
    )
    assert invalid.status_code == 422


async def test_an_export_holds_everyone_and_no_spreadsheet_formula(
    admin: AsyncClient, services: Services, ada: Subscriber
) -> None:
    with services.store.begin() as tx:
        store_subscriber(tx, "eve@example.com", profile=Profile(keywords=("=1+1", "tea")), now=NOW)
    sheet = (await admin.get("/admin/export.csv")).text
    assert ada.address in sheet
    assert '"\'=1+1, tea"' in sheet


async def test_overview_tells_how_many_joined_since_the_first_count(
    admin: AsyncClient, services: Services
) -> None:
    with services.store.begin() as tx:
        confirmed = tx.subscribers.count_by_status()[Status.CONFIRMED]
        tx.statistics.record_day(NOW.date() - timedelta(days=9), {"subscribers_confirmed": confirmed - 1})
    assert f"+1 since {NOW - timedelta(days=9):%d %b}" in (await admin.get("/admin")).text


async def test_overview_writes_the_last_run_as_the_other_times(
    admin: AsyncClient, services: Services
) -> None:
    def find_last_run(page: str) -> str:
        term = BeautifulSoup(page, "lxml").find("dt", string="Last run (UTC)")
        assert term is not None
        return str(term.find_next("dd"))

    assert find_last_run((await admin.get("/admin")).text) == "<dd>never</dd>"
    with services.store.begin() as tx:
        tx.meta.write(LAST_TICK_KEY, "2026-11-23T09:05:00.123+00:00")
    assert ">23 Nov 2026, 09:05</time>" in find_last_run((await admin.get("/admin")).text)


async def test_overview_names_no_command_whatever_is_wrong(admin: AsyncClient, services: Services) -> None:
    with services.store.begin() as tx:
        tx.meta.pause(format_restored(NOW))
        tx.meta.write(SEND_BLOCKED_KEY, "The mail server refused the login.")
        tx.sources.hold("2026-11-23", "arXiv answered with half a day.", at=NOW)

    page = (await admin.get("/admin")).text

    for title in (
        "All sending is stopped",
        "No mail server accepts our email",
        "is held for review",
        "Nothing runs",
    ):
        assert title in page
    assert not re.search(rf"\bdigest ({'|'.join(COMMANDS)})\b", page)


def test_advice_of_problems_that_name_a_command_has_a_form_for_the_page() -> None:
    alike = AlikeAnswer(reply="550 not taken", readers=7, domains=3)
    for problem in find_judgement_problems([alike], 5, {"blocked": 9}):
        assert problem.kind in overview.PAGE_ADVICE


async def test_overview_names_variables_that_are_no_settings(
    admin: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGEST_SMPT_URL", "hush")
    page = (await admin.get("/admin")).text
    assert "There is no setting DIGEST_SMPT_URL; did you mean DIGEST_SMTP_URL?" in page
    assert "hush" not in page
