"""Tests of administrators by name: invitations, mailed links, OpenID Connect, roles, sessions and tokens."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import ASGITransport, AsyncClient, Response

from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.models import DeliveryKind, DeliveryState, Subscriber
from digest.models.administrators import Administrator, Role, SignInMethod
from digest.models.errors import ConfigError
from digest.web.admin_session import describe_browser
from digest.web.app import ADMIN_ROUTE_MODULES, create_app
from digest.web.oidc import OpenIdProvider
from tests.factories import make_admin_token
from tests.web.visit import ADMIN, BASE, VIEWER, Clock, url_path

# The provider's own code, which runs in a thread of the tests.
pytestmark = pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning")

OURS = {
    "origin": BASE,
    "sec-fetch-site": "same-origin",
    "user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0",
}
PEOPLE = "/admin/administrators"


def open_browser(app: FastAPI) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=OURS)


def find_csrf(page: str) -> str:
    match = re.search(r'name="csrf" value="([^"]+)"', page)
    assert match, page
    return match[1]


async def get_csrf(browser: AsyncClient) -> dict[str, str]:
    return {"csrf": find_csrf((await browser.get("/admin/sessions")).text)}


async def post(browser: AsyncClient, path: str, **form: str) -> Response:
    return await browser.post(path, data=await get_csrf(browser) | form)


def add_person(services: Services, name: str, role: Role, clock: Clock) -> Administrator:
    with services.store.begin() as tx:
        return tx.administrators.add(name, f"{name.lower()}@example.com", role, now=clock())


async def enter(browser: AsyncClient, services: Services, person: Administrator, clock: Clock) -> None:
    """Sign a person in by a link, as if it had been mailed."""
    with services.store.begin(write=False) as tx:
        used = tx.administrators.get(person.public_id).links_used
    expires = clock() + timedelta(hours=1)
    url = services.links.administration_url(person.public_id, used, expires=expires)
    assert (await browser.post(url_path(url))).status_code == 303


def list_mails(services: Services, clock: Clock) -> list[str]:
    """Return the text of all queued mails to administrators, newest first."""
    with services.store.begin(write=False) as tx:
        mails = [
            mail
            for mail in tx.deliveries.list_by_state(DeliveryState.QUEUED)
            if mail.kind is DeliveryKind.ADMIN
        ]
    built = [services.message_builder.build(mail) for mail in mails]
    return [message.raw.decode().replace("=\r\n", "").replace("=3D", "=") for message in built if message]


async def test_an_invited_person_accepts_by_the_mailed_link_once_and_is_named_in_the_log(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    async with open_browser(app) as owner, open_browser(app) as cem:
        first = await owner.get("/admin/login")
        assert "<details open>" in first.text  # with the token: nobody can be mailed a link yet
        await owner.post("/admin/login", data={"token": ADMIN})
        invited = await post(owner, PEOPLE, name="Cem Yilmaz", email="Cem@example.com", role="editor")
        assert "seven days" in invited.text
        again = await post(owner, PEOPLE, name="Cem", email="cem@example.com", role="viewer")
        assert (again.status_code, "already" in again.text) == (422, True)
        (mail,) = list_mails(services, clock)
        assert "An administrator invited you, Cem Yilmaz, to administer" in " ".join(mail.split())
        link = re.search(r"/a/[a-z0-9.]+", mail)
        assert link

        shown = await cem.get(link[0])
        assert "Sign in as Cem Yilmaz" in shown.text
        assert shown.headers["referrer-policy"] == "same-origin"  # another one would hide the form's origin
        assert not cem.cookies
        assert (await cem.post(link[0], headers={"origin": "https://evil.example"})).status_code == 403
        assert (await cem.post(link[0])).headers["location"] == "/admin"
        assert (await cem.post(link[0])).status_code == 410
        assert "Cem Yilmaz, editor" in (await cem.get("/admin")).text
        refused = await cem.get(PEOPLE)
        assert (refused.status_code, 'href="/admin">Overview' in refused.text) == (403, True)
        assert "Cem Yilmaz</td><td>sign-in</td><td>Cem Yilmaz" in (await cem.get("/admin")).text
        assert "<details open>" not in (await owner.get("/admin/login")).text
        with services.store.begin(write=False) as tx:
            (person,) = tx.administrators.list_all()
            lines = tx.audit.search()
        assert {(line.actor, line.action) for line in lines} >= {
            ("admin:admin", "invite administrator"),
            (f"admin:{person.public_id}", "sign-in"),
        }
        assert "example.com" not in str(lines)


async def test_a_link_to_sign_in_is_mailed_to_administrators_alone_and_answers_alike(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    add_person(services, "Ada", Role.VIEWER, clock)
    async with open_browser(app) as browser:
        known, unknown = [
            await browser.post("/admin/login", data={"email": f"{name}@example.com"})
            for name in ("ada", "eve")
        ]
        assert (known.status_code, known.text) == (unknown.status_code, unknown.text) == (202, unknown.text)
        assert len(list_mails(services, clock)) == 1
        assert (await browser.post("/admin/login", data={"email": "ada"})).status_code == 422
        codes = [
            (await browser.post("/admin/login", data={"email": "b@example.com"})).status_code
            for _ in range(6)
        ]
        assert codes[-1] == 429
        (mail,) = list_mails(services, clock)
        link = re.search(r"/a/[a-z0-9.]+", mail)
        assert link
        clock.advance(hours=1.1)
        assert (await browser.post(link[0])).status_code == 410
        assert (await browser.post("/a/nonsense")).status_code == 404


async def test_a_changed_role_and_a_removal_hold_at_once(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    ada = add_person(services, "Ada", Role.EDITOR, clock)
    async with open_browser(app) as owner, open_browser(app) as browser:
        await owner.post("/admin/login", data={"token": ADMIN})
        await enter(browser, services, ada, clock)
        home = f"{PEOPLE}/{ada.public_id}"
        assert (await post(owner, f"{home}/role", role="viewer", was="editor")).status_code == 303
        assert "Ada, viewer" in (await browser.get("/admin")).text
        stale = await post(owner, f"{home}/role", role="owner", was="editor")
        assert (stale.status_code, "became viewer in the meantime" in stale.text) == (409, True)
        assert (await post(owner, f"{home}/role", role="king", was="viewer")).status_code == 422
        assert "end at once: 1. API" in (await owner.get(f"{home}/remove")).text
        assert (await post(owner, f"{home}/remove")).status_code == 303
        assert (await post(owner, f"{home}/remove")).status_code == 404
        assert (await browser.get("/admin")).status_code == 303
        for page in ("/admin", "/admin/audit"):
            assert "<td>Ada</td>" in (await owner.get(page)).text  # named in the log also after removal


async def test_without_a_token_in_the_settings_the_last_owner_stays(tmp_path: Path, clock: Clock) -> None:
    settings = load_settings(database_url=f"sqlite:///{tmp_path}/own.sqlite3", base_url=BASE)
    services = open_services(settings)
    ada = add_person(services, "Ada", Role.OWNER, clock)
    async with open_browser(create_app(services, clock=clock)) as owner:
        assert "DIGEST_ADMIN_TOKEN" not in (await owner.get("/admin/login")).text
        await enter(owner, services, ada, clock)
        home = f"{PEOPLE}/{ada.public_id}"
        refused = await post(owner, f"{home}/role", role="viewer", was="owner")
        assert (refused.status_code, "only owner" in refused.text) == (409, True)
        assert (await post(owner, f"{home}/remove")).status_code == 409
    services.close()


def list_mutating_routes() -> list[str]:
    return sorted(
        route.path
        for module in ADMIN_ROUTE_MODULES
        for route in module.router.routes
        if isinstance(route, APIRoute) and "POST" in (route.methods or ())
    )


async def test_every_page_needs_a_session_and_those_of_owners_an_owner(
    app: FastAPI, services: Services, clock: Clock, ada: Subscriber
) -> None:
    pages = sorted(
        route.path
        for module in ADMIN_ROUTE_MODULES
        for route in module.router.routes
        if isinstance(route, APIRoute)
        and "GET" in (route.methods or ())
        and not route.path.startswith(("/a/", "/admin/login", "/admin/oidc"))
    )
    assert len(pages) >= 10
    async with open_browser(app) as browser:
        for path in pages:
            response = await browser.get(re.sub(r"\{\w+(:\w+)?\}", ada.public_id, path))
            assert (response.status_code, response.headers.get("location")) == (303, "/admin/login"), path
        await enter(browser, services, add_person(services, "Vic", Role.VIEWER, clock), clock)
        for path in pages:
            response = await browser.get(re.sub(r"\{\w+(:\w+)?\}", ada.public_id, path))
            assert (response.status_code == 403) is path.startswith(PEOPLE), path


# What concerns only the caller: signing in and out, one's own sessions and tokens.
OWN_ROUTES = {
    "/a/{token}", "/admin/login", "/admin/logout", "/admin/sessions/end-others", "/admin/sessions/{pid}/end",
    "/admin/tokens", "/admin/tokens/{pid}/end",
}  # fmt: skip


@pytest.mark.parametrize("role", ["viewer by token", "viewer by name", "editor by name"])
async def test_nobody_can_post_what_their_role_does_not_allow(
    app: FastAPI, services: Services, clock: Clock, ada: Subscriber, role: str
) -> None:
    async with open_browser(app) as browser:
        if role == "viewer by token":
            await browser.post("/admin/login", data={"token": VIEWER})
        else:
            person = add_person(services, "Vic", Role(role.split(maxsplit=1)[0]), clock)
            await enter(browser, services, person, clock)
        form = await get_csrf(browser) | {"role": "owner", "name": "x", "email": "x@example.com"}
        with services.store.begin(write=False) as tx:
            before = tx.audit.search()
        forbidden = [path for path in list_mutating_routes() if path not in OWN_ROUTES]
        if role == "editor by name":
            forbidden = [path for path in forbidden if path.startswith(PEOPLE)]
        assert len(forbidden) >= 4
        for path in forbidden:
            filled = re.sub(r"\{\w+(:\w+)?\}", ada.public_id, path)
            response = await browser.post(filled, data=form)
            assert response.status_code == 403, path
            assert "role" in response.text, path
        with services.store.begin(write=False) as tx:
            assert tx.audit.search() == before
            assert tx.subscribers.get_by_public_id(ada.public_id) == ada


async def test_every_form_needs_the_csrf_token_and_our_own_origin(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    person = add_person(services, "Olga", Role.OWNER, clock)
    async with open_browser(app) as browser:
        await enter(browser, services, person, clock)
        form = await get_csrf(browser)
        for path in set(list_mutating_routes()) - {"/a/{token}", "/admin/login", "/admin/logout"}:
            filled = re.sub(r"\{\w+(:\w+)?\}", "abc", path)
            assert (await browser.post(filled, data={"csrf": "forged"})).status_code == 403, path
            evil = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
            assert (await browser.post(filled, data=form, headers=evil)).status_code == 403, path


async def test_sessions_are_listed_with_their_browser_and_ended_by_their_owner_or_an_owner(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    vic, owner_person = (
        add_person(services, name, role, clock) for name, role in (("Vic", Role.VIEWER), ("Olga", Role.OWNER))
    )
    async with open_browser(app) as vic1, open_browser(app) as vic2, open_browser(app) as owner:
        await enter(vic1, services, vic, clock)
        clock.advance(minutes=1)
        await enter(vic2, services, vic, clock)
        await enter(owner, services, owner_person, clock)
        seen = await vic1.get("/admin/sessions")
        assert seen.text.count("Firefox on Linux") >= 2
        assert "Olga" not in seen.text
        ids = re.findall(r"/admin/sessions/([a-z0-9]+)/end", (await owner.get("/admin/sessions")).text)
        with services.store.begin(write=False) as tx:
            (owners,) = tx.administrators.list_sessions(now=clock(), administrator=owner_person)
        assert len(ids) == 3
        assert (await post(vic1, f"/admin/sessions/{owners.public_id}/end")).status_code == 403
        assert (await post(vic1, "/admin/sessions/end-others")).status_code == 303
        assert (await vic2.get("/admin")).status_code == 303
        assert (await vic1.get("/admin")).status_code == 200
        clock.advance(minutes=10)
        await vic1.get("/admin")
        with services.store.begin(write=False) as tx:
            (row,) = tx.administrators.list_sessions(now=clock(), administrator=vic)
        assert row.seen_at == clock()
        assert (await post(owner, f"/admin/sessions/{row.public_id}/end")).status_code == 303
        assert (await post(owner, f"/admin/sessions/{row.public_id}/end")).status_code == 404
        assert (await vic1.get("/admin")).status_code == 303


async def test_viewers_who_share_a_token_do_not_end_each_others_sessions(app: FastAPI) -> None:
    async with open_browser(app) as one, open_browser(app) as other:
        for browser in (one, other):
            await browser.post("/admin/login", data={"token": VIEWER})
        await post(one, "/admin/sessions/end-others")
        assert (await other.get("/admin")).status_code == 200
        assert (await post(one, "/admin/tokens", name="x", scope="viewer", days="30")).status_code == 403


async def test_a_token_is_shown_once_allows_its_scope_shows_its_use_and_ends(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    eve = add_person(services, "Eve", Role.EDITOR, clock)
    async with open_browser(app) as browser:
        await enter(browser, services, eve, clock)
        assert (await post(browser, "/admin/tokens", name="x", scope="owner", days="30")).status_code == 422
        assert (await post(browser, "/admin/tokens", name="", scope="viewer", days="30")).status_code == 422
        assert (await post(browser, "/admin/tokens", name="x", scope="viewer", days="7")).status_code == 422
        tokens = {}
        for scope in ("viewer", "editor"):
            made = await post(browser, "/admin/tokens", name=f"my {scope}", scope=scope, days="30")
            found = re.search(r"digest_admin_[0-9a-f]{48}", made.text)
            assert found
            tokens[scope] = found[0]
        assert (
            await post(browser, "/admin/tokens", name="my viewer", scope="viewer", days="30")
        ).status_code == 422
        page = (await browser.get("/admin/tokens")).text
        assert not any(token in page for token in tokens.values())
        assert page.count(">never</td>") == 2

        async def call(token: str, method: str = "GET") -> int:
            headers = {"authorization": f"Bearer {token}"}
            async with AsyncClient(transport=ASGITransport(app), base_url=BASE, headers=headers) as program:
                body = {"email": "new@example.com"} if method == "POST" else None
                return (await program.request(method, "/api/v1/subscribers", json=body)).status_code

        assert await call(tokens["viewer"]) == 200
        assert await call(tokens["viewer"], "POST") == 403
        assert await call(tokens["editor"], "POST") == 201
        assert await call("digest_admin_" + "0" * 48) == 401
        with services.store.begin() as tx:
            assert {line.actor for line in tx.audit.search() if line.action == "add"} <= {
                f"api:{eve.public_id}"
            }
            assert {each.used_at for each in tx.administrators.list_tokens(eve)} == {clock()}
            tx.administrators.set_role(eve, Role.VIEWER)
        assert await call(tokens["editor"], "POST") == 403  # never more than the person's role
        pid = re.search(r"/admin/tokens/([a-z0-9]+)/end", page)
        assert pid
        assert (await post(browser, f"/admin/tokens/{pid[1]}/end")).status_code == 303
        assert (await post(browser, f"/admin/tokens/{pid[1]}/end")).status_code == 404
        assert sorted([await call(token) for token in tokens.values()]) == [200, 401]
        clock.advance(days=31)
        assert [await call(token) for token in tokens.values()] == [401, 401]


async def test_a_token_of_somebody_else_is_ended_by_an_owner_only(
    app: FastAPI, services: Services, clock: Clock
) -> None:
    eve, vic = (add_person(services, name, Role.EDITOR, clock) for name in ("Eve", "Vic"))
    token = make_admin_token(eve)
    with services.store.begin() as tx:
        tx.administrators.add_token("k", token)
    async with open_browser(app) as browser, open_browser(app) as owner:
        await enter(browser, services, vic, clock)
        await owner.post("/admin/login", data={"token": ADMIN})
        assert "Eve" not in (await browser.get("/admin/tokens")).text
        assert (await post(browser, f"/admin/tokens/{token.public_id}/end")).status_code == 403
        assert (await post(owner, f"/admin/tokens/{token.public_id}/end")).status_code == 303


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
        ("Mozilla/5.0 (Linux; Android 14) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.9.1", "Another program"),
        ("<script>" * 50, "Another program"),
    ],
)
def test_a_browser_is_described_in_words(user_agent: str, words: str) -> None:
    assert describe_browser(user_agent) == words


# ---- OpenID Connect, against a real provider on loopback


@pytest.fixture(scope="module")
def provider_url() -> Iterator[str]:
    from oidc_provider_mock import User, run_server_in_thread  # noqa: PLC0415  makes keys when imported

    users = (
        User(sub="ada-1", claims={"email": "ada@example.com", "email_verified": True}),
        User(sub="ada-2", claims={"email": "ada@example.com", "email_verified": True}),
        User(sub="unverified", claims={"email": "eve@example.com", "email_verified": False}),
        User(sub="stranger", claims={"email": "stranger@example.com", "email_verified": True}),
        User(sub="nameless", claims={}),
    )
    with run_server_in_thread(user_claims=users, require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def oidc_services(tmp_path: Path, provider_url: str) -> Iterator[Services]:
    settings = load_settings(
        database_url=f"sqlite:///{tmp_path}/oidc.sqlite3", base_url=BASE, oidc_issuer=provider_url,
        oidc_client_id="digest", oidc_client_secret="a secret: of/the client",
    )  # fmt: skip
    services = open_services(settings)
    yield services
    services.close()


async def authorize(browser: AsyncClient, subject: str) -> str:
    """Start at our login, sign in at the provider, and return the path to which it sends the browser back."""
    started = await browser.get("/admin/oidc")
    assert started.status_code == 303
    async with httpx.AsyncClient() as at_provider:
        answer = await at_provider.post(started.headers["location"], data={"sub": subject})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


async def test_an_administrator_signs_in_by_openid_connect(
    oidc_services: Services, clock: Clock, provider_url: str
) -> None:
    ada = add_person(oidc_services, "Ada", Role.EDITOR, clock)
    async with open_browser(create_app(oidc_services)) as browser:
        assert f"Sign in with {urlsplit(provider_url).netloc}" in (await browser.get("/admin/login")).text
        back = await authorize(browser, "ada-1")
        entered = await browser.get(back)
        assert (entered.status_code, entered.headers["location"]) == (303, "/admin")
        assert "Ada, editor" in (await browser.get("/admin")).text
        assert (await browser.get(back)).status_code == 403  # the same return works once
    with oidc_services.store.begin() as tx:
        known = tx.administrators.get(ada.public_id)
        assert known.oidc_subject == f"{provider_url} ada-1"
        assert tx.audit.search()[0].detail == {"by": str(SignInMethod.OIDC)}


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ("ada-2", "belongs to another account"),
        ("unverified", "verified your email"),
        ("stranger", "not an administrator"),
        ("nameless", "verified your email"),
    ],
)
async def test_openid_connect_opens_nothing_for_others(
    oidc_services: Services, clock: Clock, provider_url: str, subject: str, words: str
) -> None:
    for name in ("Ada", "Eve"):
        person = add_person(oidc_services, name, Role.OWNER, clock)
        with oidc_services.store.begin() as tx:
            tx.administrators.record_sign_in(
                person,
                now=clock(),
                oidc_subject=f"{provider_url} ada-1" if name == "Ada" else "",
            )
    async with open_browser(create_app(oidc_services)) as browser:
        response = await browser.get(await authorize(browser, subject))
        assert response.status_code == 403
        assert words in response.text
        assert (await browser.get("/admin")).status_code == 303


async def test_a_return_that_was_not_begun_in_this_browser_is_refused(
    oidc_services: Services, clock: Clock
) -> None:
    add_person(oidc_services, "Ada", Role.OWNER, clock)
    app = create_app(oidc_services)
    async with open_browser(app) as victim, open_browser(app) as attacker:
        back = await authorize(attacker, "ada-1")
        assert (await victim.get(back)).status_code == 403
        await victim.get("/admin/oidc")  # with a state of its own
        assert (await victim.get(back)).status_code == 403
        state = parse_qs(urlsplit(back).query)["state"][0]
        assert (
            await attacker.get(f"/admin/oidc/callback?state={state}&error=access_denied")
        ).status_code == 403
        assert (await attacker.get(f"/admin/oidc/callback?state={state}&code=wrong")).status_code == 403
        assert (await attacker.get("/admin/oidc/callback?state=%ff%00")).status_code == 403


async def test_a_provider_that_is_away_is_told_and_the_other_ways_stay(tmp_path: Path, clock: Clock) -> None:
    settings = load_settings(
        database_url=f"sqlite:///{tmp_path}/away.sqlite3", base_url=BASE, admin_token=ADMIN,
        oidc_issuer="http://localhost:9", oidc_client_id="digest",
    )  # fmt: skip
    services = open_services(settings)
    async with open_browser(create_app(services, clock=clock)) as browser:
        response = await browser.get("/admin/oidc")
        assert (response.status_code, "cannot be reached" in response.text) == (502, True)
        assert (await browser.post("/admin/login", data={"token": ADMIN})).status_code == 303
    services.close()


def test_an_issuer_without_a_client_is_refused_at_the_start(services: Services) -> None:
    with pytest.raises(ConfigError, match="DIGEST_OIDC_CLIENT_ID"):
        OpenIdProvider(
            issuer="https://id.example.org", client_id="", client_secret="", redirect_url="",
            open_client=services.open_oidc_client,
        )  # fmt: skip


async def test_a_form_that_arrives_after_its_sender_was_removed_changes_nothing(
    services: Services, app: FastAPI, clock: Clock
) -> None:
    eve = add_person(services, "Eve", Role.OWNER, clock)
    async with open_browser(app) as browser:
        await enter(browser, services, eve, clock)
        csrf = (await get_csrf(browser))["csrf"]

        async def send_slowly() -> AsyncIterator[bytes]:
            yield b"name=late&scope=owner&days=30&"
            with services.store.begin() as tx:
                tx.administrators.remove(eve, now=clock())
            yield f"csrf={csrf}".encode()

        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = await browser.post("/admin/tokens", content=send_slowly(), headers=headers)
    assert response.status_code == 403
    with services.store.begin(write=False) as tx:
        assert tx.administrators.list_tokens() == ()
