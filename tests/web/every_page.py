"""Which pages are there? Every one that a person can meet, fetched once, so that all can be judged alike."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import chain

from fastapi.routing import APIRoute
from httpx import AsyncClient, Response

from digest import subscribers
from digest.mail.tokens import Purpose
from digest.models import Profile, Status, Subscriber
from digest.pipeline import plan
from digest.ranking.feedback import Feedback, learn
from digest.web.app import EVERY_ROOM
from digest.web.form_tokens import READING
from digest.web.rate_limits import EASY, LOGINS, PER_VISITOR, WORLDWIDE
from tests.factories import NOW, paper, signal
from tests.web.serving import Open
from tests.web.visit import ADMIN, path_of, ticket_in

LONG = "Towards a Unified Understanding of Everything That Was Ever Written About Sheep: " * 3
HOSTILE = "Supercalifragilisticexpialidocious" * 4 + " <script>alert(1)</script> {{7*7}}"
HEBREW = paper("ספירת כבשים בזמן תת־ליניארי", authors=("דנה כהן", "يوسف العلي", "Ada Loveless"))
NO_PAGES = {
    "/style.css", "/work.js", "/opened.js", "/favicon.svg", "/card.png", "/feed.atom", "/feed.json",
    "/sitemap.xml", "/robots.txt", "/p/{token}/export", "/healthz", "/readyz", "/metrics",
    "/admin/export.csv", "/favicon.ico", "/f/{token}.atom", "/f/{token}.json",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """How a page is reached: opened, or answered to a form."""

    path: str
    form: Mapping[str, str] | None = None
    status: int = 200
    file: bytes = b""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it came."""

    name: str
    path: str
    answer: Response


def html_routes() -> set[tuple[str, str]]:
    """Every method and path that may answer with a page: all that the application has, but for the API."""
    routes = (route for room in EVERY_ROOM for route in room.router.routes if isinstance(route, APIRoute))
    return {
        (method, route.path)
        for route in routes
        for method in route.methods or ()
        if not route.path.startswith(("/api/", "/webhooks/")) and route.path not in NO_PAGES
    }


def reached(pages: list[Page]) -> set[tuple[str, str]]:
    """The method and path of every route that one of the pages came from."""
    routes = [r for room in EVERY_ROOM for r in room.router.routes if isinstance(r, APIRoute)]
    return {
        (method, route.path)
        for page in pages
        for method in [page.answer.request.method]
        for route in routes
        if method in (route.methods or ()) and route.path_regex.match(page.path)
    }


async def every_page(here: Open) -> list[Page]:
    """All of them, as a signed-in operator's browser gets them."""
    ada, gone = furnished(here)
    async with AsyncClient(base_url=here.url, headers={"origin": here.url}) as browser:
        pages = [await _page(browser, name, call) for name, call in _signed_out()]
        here.clock.advance(minutes=10)  # after which one may try to sign in again
        ticket = ticket_in((await browser.get("/")).text)
        await browser.post("/admin/login", data={"token": ADMIN})
        csrf = (await browser.get("/admin/import")).text.partition('name="csrf" value="')[2].partition('"')[0]
        # One after the other, for some prepare the ground for their next page.
        calls = chain(_public(), _own(here, ada, gone), _office(ada, csrf), _signing_up(here, ticket))
        return [*pages, *[await _page(browser, name, call) for name, call in calls]]


async def _page(browser: AsyncClient, name: str, call: Call) -> Page:
    if call.form is None:
        answer = await browser.get(call.path)
    else:
        files = {"file": ("rows.csv", call.file)} if call.file else None
        answer = await browser.post(call.path, data=dict(call.form), files=files)
    assert answer.status_code == call.status, f"{name}: {answer.status_code} {answer.text[:300]}"
    return Page(name, path_of(call.path), answer)


def furnished(here: Open) -> tuple[Subscriber, Subscriber]:
    """A reader with something to see, and one who left."""
    with here.services.store.begin() as tx:
        profile = Profile(keywords=("sheep", "diffusion models"), authors=("Ada Loveless",), muted=("cats",))
        ada = tx.subscribers.add("ada@example.com", status=Status.CONFIRMED, profile=profile, now=NOW)
        gone = tx.subscribers.add("gone@example.com", status=Status.UNSUBSCRIBED, now=NOW)
        hostile = paper(HOSTILE, authors=("<b>A</b>",), abstract="<img src=x onerror=alert(1)> " * 9)
        tx.papers.add([HEBREW, paper(LONG), hostile], seen_at=NOW - timedelta(hours=6))
        tx.signals.observe([signal(HEBREW, 90, hours_ago=2), signal(HEBREW, 40, hours_ago=4)])
        sheep = tx.papers.search("sheep")[0]
        tx.signals.observe([signal(sheep, 3, hours_ago=5)])  # two readings make a sparkline
        ada = replace(ada, profile=learn(ada.profile, sheep, Feedback.MORE))
        tx.subscribers.save(ada)
        tx.subscribers.set_next_dues({ada.id: NOW - timedelta(hours=2, minutes=30)})
        tx.sources.hold("daily/2026-11-22", "arXiv answered with half a day.", at=NOW)
    assert plan.plan(here.services.store, NOW).planned == 1
    return ada, gone


def _signed_out() -> Iterator[tuple[str, Call]]:
    yield "login", Call("/admin/login")
    yield "login wrong", Call("/admin/login", {"token": "wrong"}, status=403)
    for _ in range(int(LOGINS.burst) - 1):
        yield "", Call("/admin/login", {"token": "wrong"}, status=403)
    yield "login too often", Call("/admin/login", {"token": "wrong"}, status=429)


def _public() -> Iterator[tuple[str, Call]]:
    for name, path in {
        "front": "/", "week": "/?window=week", "month": "/?window=month",
        "search": "/papers?q=sheep", "search without words": "/papers",
        "search filtered": "/papers?q=sheep&category=cs.LG&period=week&source=arxiv",
        "search in vain": "/papers?q=xyzzy", "search for the wildest": "/papers?q=%3Cscript%3E%22'%00*",
        "paper": f"/paper/{HEBREW.id}",
        "archive": "/archive", "archive, empty month": "/archive?month=2020-01",
        "archive, day": "/archive/2026-11-23", "archive, empty day": "/archive/2026-11-01", "help": "/help",
    }.items():  # fmt: skip
        yield name, Call(path)
    yield "not there", Call("/nothing", status=404)
    yield "no such paper", Call("/paper/arxiv:0000.00000", status=404)
    yield "no such method", Call("/help", {}, status=405)
    yield "not a day", Call("/archive/2026-99-99", status=404)
    yield "too large", Call("/subscribe", {"email": "x" * 70_000}, status=413)
    yield "broken", Call("/broken", status=500)


def _own(here: Open, ada: Subscriber, gone: Subscriber) -> Iterator[tuple[str, Call]]:
    """The pages behind one reader's links, in an order in which each still has something to do."""
    links, keys = here.services.links, here.services.links.keys
    expires = here.clock() + timedelta(hours=1)
    with here.services.store.begin() as tx:
        for address in ("bob@example.com", "cem@example.com"):
            subscribers.sign_up(tx, address, by=here.ctx.by("reader"))
        bob, cem = (tx.subscribers.by_address(f"{name}@example.com") for name in ("bob", "cem"))
    late = keys.sign(Purpose.CONFIRM, bob.pid, expires=NOW - timedelta(hours=1))
    yield "confirm", Call(links.confirm(bob.pid, expires=expires))
    yield "confirmed", Call(links.confirm(bob.pid, expires=expires), {})
    yield "confirm too late", Call(f"/c/{late}", status=410)
    yield "not me", Call(f"{links.confirm(cem.pid, expires=expires)}/no", {})
    yield "confirm another address", Call(links.confirm(bob.pid, expires=expires, extra="bob@example.org"))
    yield "edition", Call(links.edition(ada.pid, date(2026, 11, 23)))
    yield "no edition", Call(links.edition(ada.pid, date(2026, 11, 1)), status=404)
    yield "verdict", Call(links.more(ada.pid, HEBREW.id))
    yield "verdict taken", Call(links.less(ada.pid, HEBREW.id), {})
    yield "opened", Call(links.opening(ada.pid, HEBREW.id))
    yield "", Call(links.opening(ada.pid, HEBREW.id), {}, status=204)
    preferences = links.preferences(ada.pid)
    yield "preferences", Call(preferences)
    yield "preferences saved", Call(preferences, SAVED)
    yield "preferences tried", Call(preferences, SAVED | {"do": "preview", "pasted": "nothing of use"})
    yield "preferences wrong", Call(preferences, SAVED | {"timezone": "Mars/Olympus"}, status=422)
    yield "preferences, no such library", Call(preferences, SAVED | {"orcid": "0000", "zotero": "ada"})
    yield "paused", Call(preferences, {"do": "pause", "days": "14"})
    yield "erase?", Call(preferences, {"do": "erase"})
    yield "unsubscribe", Call(links.unsubscribe(ada.pid))
    yield "unsubscribed", Call(links.unsubscribe(gone.pid))
    yield "unsubscribe done", Call(links.unsubscribe(bob.pid), {})
    yield "unsubscribe undone", Call(f"{links.unsubscribe(bob.pid)}/undo", {})
    yield "erased", Call(links.preferences(bob.pid), {"do": "erase-now"})
    yield "forged", Call("/p/AAAA.BBBB.CCCC", status=404)


SAVED = {
    "keywords": "sheep, diffusion models", "pasted": "2611.00001", "mix": "balanced", "trending": "3",
    "picked": "6", "also_new": "10", "threshold": "usual", "language": "en", "frequency": "daily",
    "weekday": "0", "send_at": "07:00", "timezone": "Europe/Berlin", "facet_name": "Teapots",
    "facet_keywords": "teapots, kettles",
}  # fmt: skip


ROWS = b"email,keywords\neve@example.com,sheep\nno address,\n"


def _office(ada: Subscriber, csrf: str) -> Iterator[tuple[str, Call]]:
    one, forms = f"/admin/subscribers/{ada.pid}", {"csrf": csrf}
    for name, path in {
        "admin": "/admin", "readers": "/admin/subscribers?status=confirmed&sort=address",
        "readers in vain": "/admin/subscribers?q=nobody", "reader": one,
        "reader explained": f"{one}?paper={HEBREW.id}", "import": "/admin/import", "audit": "/admin/audit",
    }.items():  # fmt: skip
        yield name, Call(path)
    yield "reader changed", Call(one, forms | {"keywords": "sheep"})
    yield "reader wrong", Call(one, forms | {"timezone": "Mars"}, status=422)
    yield "add wrong", Call("/admin/subscribers", forms | {"email": "no address"}, status=422)
    yield "import wrong", Call("/admin/import", forms, status=422)
    yield "imported", Call("/admin/import", forms | {"dry_run": "on"}, file=ROWS)
    yield "forged form", Call(one, {"csrf": "forged"}, status=403)
    yield "no such reader", Call("/admin/subscribers/nobody", status=404)
    for action in ("pause", "resume"):
        yield "", Call(f"{one}/{action}", forms, status=303)
    yield "", Call("/admin/release", forms | {"key": "daily/2026-11-22"}, status=303)
    yield "released already", Call("/admin/release", forms | {"key": "daily/2026-11-22"}, status=404)
    yield "", Call("/admin/logout", forms, status=303)


def _signing_up(here: Open, ticket: str) -> Iterator[tuple[str, Call]]:
    """From the first press of the button to a flood."""
    here.clock.advance(seconds=READING)
    yield "check your mail", Call("/subscribe", {"email": "dee@example.com", "ticket": ticket}, status=202)
    yield "once more", Call("/subscribe", {"email": "dee@example.com", "ticket": ticket}, status=428)
    yield "no address", Call("/subscribe", {"email": "dee", "ticket": ticket}, status=422)
    for _ in range(int(WORLDWIDE.burst * (1 - EASY)) + 60):
        here.ctx.limits.world.take("", here.clock())
    yield "flood", Call("/subscribe", {"email": "dee@example.com"}, status=428)
    for _ in range(int(PER_VISITOR.burst)):
        here.ctx.limits.visitors.take("127.0.0.1", here.clock())
    yield "too many", Call("/subscribe", {"email": "dee@example.com"}, status=429)
