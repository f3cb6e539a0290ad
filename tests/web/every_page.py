"""Fetches every page of the application once, for the tests that validate all pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain

from fastapi.routing import APIRoute
from httpx import AsyncClient, Response

from digest import subscribers
from digest.mail.tokens import Keys, Purpose
from digest.models import Profile, SignalKind, Status, Subscriber
from digest.models.addresses import hash_address
from digest.models.administrators import Role
from digest.models.papers import HubRepository
from digest.pipeline import plan
from digest.ranking.feedback import Feedback, learn_from_feedback
from digest.web.app import ROUTE_MODULES
from digest.web.form_tokens import MIN_READING_SECONDS
from digest.web.rate_limits import FLOOD_THRESHOLD, LOGINS, PER_VISITOR, WORLDWIDE
from tests.factories import NOW, make_admin_token, make_paper, make_signal, store_subscriber
from tests.web.serving import RunningSite
from tests.web.visit import ADMIN, extract_ticket, url_path

LONG = "Towards a Unified Understanding of Everything That Was Ever Written About Sheep: " * 3
HOSTILE = "Supercalifragilisticexpialidocious" * 4 + " <script>alert(1)</script> {{7*7}}"
HEBREW = make_paper("ספירת כבשים בזמן תת־ליניארי", authors=("דנה כהן", "يوسف العلي", "Ada Loveless"))
NO_PAGES = {
    "/style.css", "/work.js", "/opened.js", "/timezone.js", "/authors.js", "/vote.js", "/authors",
    "/favicon.svg", "/card.png", "/feed.atom", "/feed.json", "/copy.js",
    "/cite/{form}/{name:path}", "/e/{token}/{form}", "/p/{token}/saved/{form}", "/f/{token}/saved.atom",
    "/f/{token}/saved.json",
    "/sitemap.xml", "/robots.txt", "/mcp", "/p/{token}/export", "/healthz", "/readyz", "/metrics",
    "/admin/export.csv", "/favicon.ico", "/f/{token}.atom", "/f/{token}.json", "/admin/oidc",
    "/admin/oidc/callback", "/admin/audit.csv",
}  # fmt: skip

SAVED = {
    "keywords": "sheep, diffusion models", "pasted": "2611.00001", "mix": "balanced", "trending": "3",
    "picked": "6", "also_new": "10", "threshold": "usual", "language": "en", "frequency": "daily",
    "weekday": "0", "send_at": "07:00", "timezone": "Europe/Berlin", "facet_name": "Teapots",
    "facet_keywords": "teapots, kettles",
}  # fmt: skip
ROWS = b"email,keywords\neve@example.com,sheep\nno address,\n"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The request that leads to a page: a GET, or a POST of a form."""

    path: str
    form: Mapping[str, str] | None = None
    status: int = 200
    file: bytes = b""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page as it was received."""

    name: str
    path: str
    response: Response


def list_html_routes() -> set[tuple[str, str]]:
    """Return method and path of every route that may return a page: all but those of API and webhooks."""
    routes = (
        route for module in ROUTE_MODULES for route in module.router.routes if isinstance(route, APIRoute)
    )
    return {
        (method, route.path)
        for route in routes
        for method in route.methods or ()
        if not route.path.startswith(("/api/", "/webhooks/")) and route.path not in NO_PAGES
    }


def find_routes(pages: list[FetchedPage]) -> set[tuple[str, str]]:
    """Return method and path of every route that one of the pages came from."""
    routes = [r for module in ROUTE_MODULES for r in module.router.routes if isinstance(r, APIRoute)]
    return {
        (method, route.path)
        for page in pages
        for method in [page.response.request.method]
        for route in routes
        if method in (route.methods or ()) and route.path_regex.match(page.path)
    }


async def fetch_every_page(site: RunningSite) -> list[FetchedPage]:
    """Fetch all pages with the browser of an operator who is signed in."""
    ada, unsubscribed = fill_database(site)
    async with AsyncClient(base_url=site.url, headers={"origin": site.url}) as browser:
        pages = [await _fetch(browser, name, request) for name, request in _signed_out()]
        site.clock.advance(minutes=10)  # after which one may try to sign in again
        ticket = extract_ticket((await browser.get("/")).text)
        await browser.post("/admin/login", data={"token": ADMIN})
        csrf = (await browser.get("/admin/import")).text.partition('name="csrf" value="')[2].partition('"')[0]
        # In this order: some requests prepare what a later page shows.
        requests = chain(
            _public(),
            _personal(site, ada, unsubscribed),
            _administration(site, ada, csrf),
            _signing_up(site, ticket),
        )
        return [*pages, *[await _fetch(browser, name, request) for name, request in requests]]


async def _fetch(browser: AsyncClient, name: str, request: PageRequest) -> FetchedPage:
    if request.form is None:
        response = await browser.get(request.path)
    else:
        files = {"file": ("rows.csv", request.file)} if request.file else None
        response = await browser.post(request.path, data=dict(request.form), files=files)
    assert response.status_code == request.status, f"{name}: {response.status_code} {response.text[:300]}"
    return FetchedPage(name, url_path(request.path), response)


def fill_database(site: RunningSite) -> tuple[Subscriber, Subscriber]:
    """Add a reader with an edition, a profile and a verdict, and an unsubscribed one."""
    with site.services.store.begin() as tx:
        profile = Profile(keywords=("sheep", "diffusion models"), authors=("Ada Loveless",), muted=("cats",))
        ada = store_subscriber(tx, "ada@example.com", status=Status.CONFIRMED, profile=profile, now=NOW)
        unsubscribed = store_subscriber(tx, "gone@example.com", status=Status.UNSUBSCRIBED, now=NOW)
        hostile = make_paper(HOSTILE, authors=("<b>A</b>",), abstract="<img src=x onerror=alert(1)> " * 9)
        tx.papers.add([HEBREW, make_paper(LONG), hostile], seen_at=NOW - timedelta(hours=6))
        tx.signals.add([make_signal(HEBREW, 90, hours_ago=2), make_signal(HEBREW, 40, hours_ago=4)])
        model = HubRepository(kind=SignalKind.MODELS, name=f"sheep/{'long-' * 15}model", likes=25)
        tx.hub_repositories.replace({HEBREW.id: [model]})
        tx.signals.add([make_signal(HEBREW, 12, kind=SignalKind.MODELS, source="huggingface-repos")])
        sheep = tx.papers.search("sheep")[0]
        tx.signals.add([make_signal(sheep, 3, hours_ago=5)])  # a sparkline needs two signals
        ada = replace(ada, profile=learn_from_feedback(ada.profile, sheep, Feedback.MORE))
        tx.subscribers.save(ada)
        tx.subscribers.set_next_due({ada.id: NOW - timedelta(hours=2, minutes=30)})
        tx.sources.hold("daily/2026-11-22", "arXiv answered with half a day.", at=NOW)
    assert plan.plan_editions(site.services.store, NOW).planned == 1
    return ada, unsubscribed


def _signed_out() -> Iterator[tuple[str, PageRequest]]:
    yield "login", PageRequest("/admin/login")
    yield "login wrong", PageRequest("/admin/login", {"token": "wrong"}, status=403)
    for _ in range(int(LOGINS.burst) - 1):
        yield "", PageRequest("/admin/login", {"token": "wrong"}, status=403)
    yield "login too often", PageRequest("/admin/login", {"token": "wrong"}, status=429)


def _public() -> Iterator[tuple[str, PageRequest]]:
    for name, path in {
        "front": "/", "week": "/?window=week", "month": "/?window=month",
        "search": "/papers?q=sheep", "search without words": "/papers",
        "search filtered": "/papers?q=sheep&category=cs.LG&period=week&source=arxiv",
        "search in vain": "/papers?q=xyzzy", "search for the wildest": "/papers?q=%3Cscript%3E%22'%00*",
        "paper": f"/paper/{HEBREW.id}", "sample": "/sample?interests=sheep",
        "sample in vain": "/sample?interests=xyzzy",
        "archive": "/archive", "archive, empty month": "/archive?month=2020-01",
        "archive, day": "/archive/2026-11-23", "archive, empty day": "/archive/2026-11-01", "help": "/help",
    }.items():  # fmt: skip
        yield name, PageRequest(path)
    yield "reference of the API", PageRequest("/api")
    yield "not there", PageRequest("/nothing", status=404)
    yield "no such paper", PageRequest("/paper/arxiv:0000.00000", status=404)
    yield "no such method", PageRequest("/help", {}, status=405)
    yield "not a day", PageRequest("/archive/2026-99-99", status=404)
    yield "too large", PageRequest("/subscribe", {"email": "x" * 70_000}, status=413)
    yield "broken", PageRequest("/broken", status=500)


def _links_of_earlier_versions(keys: Keys, ada: Subscriber) -> Iterator[tuple[str, PageRequest]]:
    vote = f"/v/{keys.sign(Purpose.FEEDBACK, ada.public_id, f'+{HEBREW.id}')}"
    yield "verdict by a link of an earlier version", PageRequest(vote)
    yield "verdict taken by a link of an earlier version", PageRequest(vote, {})
    opening = f"/o/{keys.sign(Purpose.OPENING, ada.public_id, HEBREW.id)}"
    yield "opened by a link of an earlier version", PageRequest(opening)
    yield "", PageRequest(opening, {}, status=204)


def _personal(
    site: RunningSite, ada: Subscriber, unsubscribed: Subscriber
) -> Iterator[tuple[str, PageRequest]]:
    """The pages behind the links of readers, in an order in which each link is still valid."""
    links, keys = site.services.links, site.services.links.keys
    expires = site.clock() + timedelta(hours=1)
    with site.services.store.begin() as tx:
        for address in ("bob@example.com", "cem@example.com"):
            subscribers.sign_up(tx, address, actor=site.ctx.actor("reader"))
        bob, cem = (tx.subscribers.get_by_address(f"{name}@example.com") for name in ("bob", "cem"))
    late = keys.sign(Purpose.CONFIRM, bob.public_id, expires=NOW - timedelta(hours=1))
    yield "confirm", PageRequest(links.confirm_url(bob.public_id, expires=expires))
    yield "confirmed", PageRequest(links.confirm_url(bob.public_id, expires=expires), {})
    yield "confirm too late", PageRequest(f"/c/{late}", status=410)
    yield "not me", PageRequest(f"{links.confirm_url(cem.public_id, expires=expires)}/no", {})
    yield (
        "confirm another address",
        PageRequest(links.confirm_url(bob.public_id, expires=expires, extra="bob@example.org")),
    )
    yield "edition", PageRequest(links.edition_url(ada.public_id, date(2026, 11, 23)))
    yield "no edition", PageRequest(links.edition_url(ada.public_id, date(2026, 11, 1)), status=404)
    yield "verdict", PageRequest(links.more_url(ada.public_id, HEBREW.id))
    yield "verdict taken", PageRequest(links.less_url(ada.public_id, HEBREW.id), {})
    yield (
        "verdict, seen",
        PageRequest(links.less_url(ada.public_id, HEBREW.id), {"verdict": "less", "reason": "seen"}),
    )
    yield "verdict undone", PageRequest(links.less_url(ada.public_id, HEBREW.id), {"verdict": "undo"})
    yield "opened", PageRequest(links.opening_url(ada.public_id, HEBREW.id))
    yield "", PageRequest(links.opening_url(ada.public_id, HEBREW.id), {}, status=204)
    yield from _links_of_earlier_versions(keys, ada)
    preferences = links.preferences_url(ada.public_id)
    yield "preferences", PageRequest(preferences)
    yield "preferences saved", PageRequest(preferences, SAVED)
    yield "preferences tried", PageRequest(preferences, SAVED | {"do": "preview", "pasted": "nothing of use"})
    yield "preferences wrong", PageRequest(preferences, SAVED | {"timezone": "Mars/Olympus"}, status=422)
    yield "preferences, no such library", PageRequest(preferences, SAVED | {"orcid": "0000", "zotero": "ada"})
    channels, programs = f"{preferences}/channels", f"{preferences}/programs"
    slack = "https://hooks.slack.com/services/T0000AAAA/B0000AAAA/abcdefghijklmnopqrstuvwx"
    yield "channels, none", PageRequest(channels)
    yield "channel added", PageRequest(channels, {"do": "add", "address": slack})
    yield "channel wrong", PageRequest(channels, {"do": "add", "address": "slack"}, status=422)
    yield "programs, none", PageRequest(programs)
    yield "token made", PageRequest(programs, {"do": "add", "name": HOSTILE, "may_write": "yes"})
    yield "token wrong", PageRequest(programs, {"do": "add"}, status=422)
    saved = f"{preferences}/saved"
    yield "saved papers, none", PageRequest(saved)
    yield "paper saved", PageRequest(saved, {"do": "add", "paper": HEBREW.id})
    hostile = {"paper": HEBREW.id, "note": HOSTILE, "tags": f"{HOSTILE[:40]}, to read"}
    yield "paper annotated", PageRequest(saved, {"do": "annotate", **hostile})
    yield "paper not stored", PageRequest(saved, {"do": "add", "paper": "2611.99999"}, status=422)
    yield "saved papers", PageRequest(f"{saved}?tag=to%20read")
    yield "paused", PageRequest(preferences, {"do": "pause", "days": "14"})
    yield "erase?", PageRequest(preferences, {"do": "erase"})
    yield "unsubscribe", PageRequest(links.unsubscribe_url(ada.public_id))
    yield "unsubscribed", PageRequest(links.unsubscribe_url(unsubscribed.public_id))
    yield "unsubscribe done", PageRequest(links.unsubscribe_url(bob.public_id), {})
    yield "unsubscribe undone", PageRequest(f"{links.unsubscribe_url(bob.public_id)}/undo", {})
    yield "erased", PageRequest(links.preferences_url(bob.public_id), {"do": "erase-now"})
    yield "forged", PageRequest("/p/AAAA.BBBB.CCCC", status=404)


def _administration(site: RunningSite, ada: Subscriber, csrf: str) -> Iterator[tuple[str, PageRequest]]:
    reader_path, token = f"/admin/subscribers/{ada.public_id}", {"csrf": csrf}
    for name, path in {
        "admin": "/admin", "readers": "/admin/subscribers?status=confirmed&sort=address",
        "readers in vain": "/admin/subscribers?q=nobody", "reader": reader_path,
        "reader explained": f"{reader_path}?paper={HEBREW.id}", "import": "/admin/import",
        "audit": "/admin/audit",
    }.items():  # fmt: skip
        yield name, PageRequest(path)
    yield "reader changed", PageRequest(reader_path, token | {"keywords": "sheep"})
    yield "reader wrong", PageRequest(reader_path, token | {"timezone": "Mars"}, status=422)
    yield "add wrong", PageRequest("/admin/subscribers", token | {"email": "no address"}, status=422)
    yield "import wrong", PageRequest("/admin/import", token, status=422)
    yield "imported", PageRequest("/admin/import", token | {"dry_run": "on"}, file=ROWS)
    yield "forged form", PageRequest(reader_path, {"csrf": "forged"}, status=403)
    yield "no such reader", PageRequest("/admin/subscribers/nobody", status=404)
    for action in ("pause", "resume"):
        yield "", PageRequest(f"{reader_path}/{action}", token, status=303)
    yield "", PageRequest("/admin/release", token | {"key": "daily/2026-11-22"}, status=303)
    yield "released already", PageRequest("/admin/release", token | {"key": "daily/2026-11-22"}, status=404)
    yield from _selected_readers(site, token)
    yield from _one_reader(site, ada, token)
    yield from _suppressions(site, token)
    yield from _administrators(site, token)
    yield "", PageRequest("/admin/logout", token, status=303)


def _selected_readers(site: RunningSite, token: dict[str, str]) -> Iterator[tuple[str, PageRequest]]:
    """Filters of the list, and what is done to all who match."""
    yield "admin, 90 days", PageRequest("/admin?days=90")
    yield (
        "",
        PageRequest("/admin/filters", token | {"name": "Weekly", "query": "frequency=weekly"}, status=303),
    )
    yield "readers filtered", PageRequest("/admin/subscribers?frequency=daily&bounce=any&last=never&tag=x")
    yield "readers by saved filter", PageRequest("/admin/subscribers?frequency=weekly")
    yield "", PageRequest("/admin/filters/delete", token | {"name": "Weekly"}, status=303)
    yield "nobody selected", PageRequest("/admin/bulk?action=pause", status=422)
    yield "tag all?", PageRequest("/admin/bulk?select=all&action=tag&new_tag=beta")
    yield "erase all?", PageRequest("/admin/bulk?select=all&action=erase")
    with site.services.store.begin(write=False) as tx:
        count = sum(tx.subscribers.count_by_status().values())
    operation = {"action": "tag", "tag": "beta", "whom": "", "operation": "abc", "count": str(count)}
    yield "changed meanwhile", PageRequest("/admin/bulk", token | operation | {"count": "1"}, status=409)
    yield "", PageRequest("/admin/bulk", token | operation, status=303)
    yield "operation", PageRequest("/admin/operations/abc")
    yield "readers with tags", PageRequest("/admin/subscribers?tag=beta")
    for action in ("continue", "undo"):
        yield "", PageRequest(f"/admin/operations/abc/{action}", token, status=303)
    yield "operation undone", PageRequest("/admin/operations/abc")
    yield "audit filtered", PageRequest("/admin/audit?what=bulk-tag&since=2026-01-01&until=x")


def _one_reader(
    site: RunningSite, ada: Subscriber, token: dict[str, str]
) -> Iterator[tuple[str, PageRequest]]:
    """Mails, tags, address and questions of one subscriber."""
    path = f"/admin/subscribers/{ada.public_id}"
    with site.services.store.begin(write=False) as tx:
        digests = [item for item in tx.deliveries.list_by_subscriber(ada.id) if item.day]
    mail = f"{path}/mails/{digests[0].public_id}"
    yield "mail", PageRequest(mail)
    yield "next mail", PageRequest(f"{path}/next")
    yield "mail on its way", PageRequest(f"{mail}/resend", token, status=409)
    yield "", PageRequest(f"{path}/tags", token | {"tags": "beta, conference"}, status=303)
    yield "reader, two editors", PageRequest(path, token | {"version": "old", "keywords": "x"}, status=409)
    yield "new address wrong", PageRequest(f"{path}/address", token | {"address": "x"}, status=422)
    for action in ("suppress", "erase"):
        yield f"{action} reader?", PageRequest(f"{path}/confirm/{action}")


def _suppressions(site: RunningSite, token: dict[str, str]) -> Iterator[tuple[str, PageRequest]]:
    """Suppressed addresses, and reports of imports."""
    home, key = "/admin/suppressions", hash_address(site.services.suppression_key, "gone@example.com")
    yield "suppression added", PageRequest(home, token | {"address": "gone@example.com"})
    yield "suppressions", PageRequest(f"{home}?since=2026-01-01")
    yield "suppressions in vain", PageRequest(f"{home}?address=new@example.com&reason=complaint&until=x")
    yield "lift?", PageRequest(f"{home}/lift?key={key}")
    yield "", PageRequest(f"{home}/lift", token | {"key": key}, status=303)
    yield "suppress a list", PageRequest(f"{home}/import")
    yield "list suppressed", PageRequest(f"{home}/import", token, file=ROWS)
    with site.services.store.begin(write=False) as tx:
        report = tx.import_reports.list_latest()[0]
    yield "import report", PageRequest(f"/admin/import/{report.id}")
    yield "imports", PageRequest("/admin/import")


def _administrators(site: RunningSite, token: dict[str, str]) -> Iterator[tuple[str, PageRequest]]:
    """The pages of those who administer, for somebody who signed in with the token of the settings."""
    with site.services.store.begin() as tx:
        olga = tx.administrators.add("Olga " + "Longname" * 8, "olga@example.com", Role.OWNER, now=NOW)
        tx.administrators.add_token("k", replace(make_admin_token(olga), name="nightly", expires_at=NOW))
    expires = site.clock() + timedelta(hours=1)
    link = site.services.links.administration_url(olga.public_id, 0, expires=expires)
    home, invited = "/admin/administrators", {"name": "Vic", "email": "vic@example.com", "role": "viewer"}
    yield "administrators", PageRequest(home)
    yield "administrator invited", PageRequest(home, token | invited)
    yield "administrator twice", PageRequest(home, token | invited, status=422)
    yield "administrator removed?", PageRequest(f"{home}/{olga.public_id}/remove")
    yield "link mailed", PageRequest(f"{home}/{olga.public_id}/invite", token)
    yield (
        "role changed meanwhile",
        PageRequest(f"{home}/{olga.public_id}/role", token | {"role": "editor", "was": "viewer"}, status=409),
    )
    yield "sign in by link", PageRequest(link)
    yield "sign in by a cut link", PageRequest(link[:-3], status=404)
    yield "API tokens", PageRequest("/admin/tokens")
    yield "no token without a person", PageRequest("/admin/tokens", token, status=403)
    yield "no such token", PageRequest("/admin/tokens/none/end", token, status=404)
    yield "sessions", PageRequest("/admin/sessions")
    yield "no such session", PageRequest("/admin/sessions/none/end", token, status=404)
    yield "", PageRequest("/admin/sessions/end-others", token, status=303)
    yield "", PageRequest(f"{home}/{olga.public_id}/remove", token, status=303)
    yield "link mailed to sign in", PageRequest("/admin/login", {"email": "olga@example.com"}, status=202)
    yield "link used", PageRequest(link, {}, status=410)


def _signing_up(site: RunningSite, ticket: str) -> Iterator[tuple[str, PageRequest]]:
    """The pages of the sign-up, up to a flood."""
    site.clock.advance(seconds=MIN_READING_SECONDS)
    yield (
        "check your mail",
        PageRequest("/subscribe", {"email": "dee@example.com", "ticket": ticket}, status=202),
    )
    yield "once more", PageRequest("/subscribe", {"email": "dee@example.com", "ticket": ticket}, status=428)
    yield "no address", PageRequest("/subscribe", {"email": "dee", "ticket": ticket}, status=422)
    for _ in range(int(WORLDWIDE.burst * (1 - FLOOD_THRESHOLD)) + 60):
        site.ctx.limits.worldwide.take("", site.clock())
    yield "flood", PageRequest("/subscribe", {"email": "dee@example.com"}, status=428)
    for _ in range(int(PER_VISITOR.burst)):
        site.ctx.limits.visitors.take("127.0.0.1", site.clock())
    yield "too many", PageRequest("/subscribe", {"email": "dee@example.com"}, status=429)
