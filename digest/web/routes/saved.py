"""A reader's saved papers: a page with notes and tags, exports, a private feed, and their Zotero library."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from digest.db import Transaction
from digest.mail.locale import gettext_noop
from digest.models import Paper, Subscriber
from digest.models.citations import CitationFormat
from digest.models.errors import ConfigError, InvalidChange, NotFound, SourceError
from digest.models.saved_papers import SavedPaper
from digest.pipeline import exports
from digest.sources.libraries.zotero import find_library
from digest.subscribers import saved_papers
from digest.web.components import build_public_card
from digest.web.context import WebContext, WebContextDep, feed_path
from digest.web.exports import parse_format, respond_with_citations
from digest.web.languages import gettext, translate_error
from digest.web.preferences_form import FormBody, get_reader
from digest.web.routes.feeds import (
    Entry,
    Feed,
    get_day_start,
    get_feed_reader,
    respond_with_feed,
)
from digest.web.routing import create_router

PAGE_SIZE = 50  # papers
MAX_FEED_ENTRIES = 50
NO_ANSWER = gettext_noop("Zotero is not answering, so nothing was stored. Try again in a few minutes.")
TOO_OFTEN = gettext_noop("A key was checked with Zotero a moment ago. Try again in a few minutes.")
NOT_OFFERED = gettext_noop("Sending papers to Zotero is not set up here.")
UNKNOWN_PAPER = gettext_noop("No such paper is stored here. Give its arXiv id, its DOI or a link to it.")

router = create_router(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ZoteroChoice:
    """What Zotero says about the key in a form: the library it may write to, or a problem."""

    library: str = ""
    problem: str = ""


NO_CHOICE = ZoteroChoice()


@router.get("/p/{token}/saved")
def show_saved(token: str, ctx: WebContextDep, tag: str = "", page: int = 1) -> Response:
    """Show the saved papers, newest first; with *tag* only those."""
    return _render(ctx, token, get_reader(ctx, token), tag=tag, page=page)


async def _check_zotero_key(token: str, ctx: WebContextDep, data: FormBody) -> ZoteroChoice:
    """Return which library the key in the form may write to, if the form connects one."""
    if data.get("do") != "connect":
        return NO_CHOICE
    reader = await to_thread.run_sync(get_reader, ctx, token)
    if not ctx.library_importer.take_turn(reader.public_id, ctx.clock()):
        return ZoteroChoice(problem=gettext(TOO_OFTEN))
    key, group = (str(data.get(name, "")).strip()[:200] for name in ("zotero_key", "zotero_group"))
    zotero = ctx.services.zotero
    try:
        async with zotero.open_client() as client:
            return ZoteroChoice(library=await find_library(client, zotero.base_url, key, group))
    except InvalidChange as error:
        return ZoteroChoice(problem=translate_error(error))
    except SourceError:
        return ZoteroChoice(problem=gettext(NO_ANSWER))


@router.post("/p/{token}/saved")
def change_saved(
    token: str,
    ctx: WebContextDep,
    data: FormBody,
    choice: Annotated[ZoteroChoice, Depends(_check_zotero_key)],
) -> Response:
    """Run the action of the pressed button, and show the page again."""
    reader, done, problem = get_reader(ctx, token), "", choice.problem
    if not problem:
        try:
            with ctx.services.store.begin() as tx:
                done = _run_action(tx, ctx, reader, data, choice.library)
        except (InvalidChange, NotFound) as error:
            problem = translate_error(error)
        except ConfigError:
            problem = gettext(NOT_OFFERED)
    return _render(ctx, token, reader, tag=str(data.get("tag", "")), done=done, problem=problem)


@router.get("/p/{token}/saved/{form}")
def export_saved(token: str, form: str, ctx: WebContextDep, tag: str = "") -> Response:
    """Return the saved papers with notes and tags as a file; with *tag* only those."""
    chosen, reader = parse_format(form), get_reader(ctx, token)
    citations = exports.load_saved(ctx.services.store, reader, tag)
    return respond_with_citations(citations, chosen, name=f"saved-papers {tag}")


@router.get("/f/{token}/saved.atom")
@router.get("/f/{token}/saved.json")
def get_feed(token: str, request: Request, ctx: WebContextDep) -> Response:
    """Return the saved papers as Atom or JSON Feed."""
    return respond_with_feed(ctx, request, partial(_build_feed, ctx, token), {})


def saved_feed_path(ctx: WebContext, reader: Subscriber, kind: str) -> str:
    """Return the path of the feed of a reader's saved papers; it ends with that of their private feed."""
    return f"{feed_path(ctx, reader, kind).removesuffix(f'.{kind}')}/saved.{kind}"


def _run_action(tx: Transaction, ctx: WebContext, reader: Subscriber, data: FormData, library: str) -> str:
    """Run the action of the pressed button, and return what was done as a sentence."""
    actor, done = ctx.actor("reader"), ""
    paper, note, tags, key = (str(data.get(name, "")) for name in ("paper", "note", "tags", "zotero_key"))
    match data.get("do"):
        case "add":
            is_new = saved_papers.save_paper(tx, reader, _find_paper(tx, paper), actor=actor)
            done = gettext("Saved.") if is_new else gettext("This paper is already saved.")
        case "annotate":
            saved_papers.annotate_saved_paper(tx, reader, _find_paper(tx, paper), note=note, tags=tags)
            done = gettext("Note and tags are stored.")
        case "remove":
            tx.saved_papers.remove(reader.id, _find_paper(tx, paper))
            done = gettext("Removed. It stays in Zotero, if it is there.")
        case "connect":
            sealer = ctx.services.sealer
            saved_papers.connect_zotero(tx, reader, library, key.strip(), sealer=sealer, actor=actor)
            done = gettext("Connected. Your saved papers will be sent within minutes.")
        case "disconnect":
            saved_papers.disconnect_zotero(tx, reader, actor=actor)
            done = gettext("The key was deleted here. You can also revoke it at zotero.org.")
        case "resend":
            saved_papers.resend_to_zotero(tx, reader, actor=actor)
            done = gettext("All saved papers will be sent again within minutes.")
    return done


def _find_paper(tx: Transaction, name: str) -> Paper:
    """Return a paper by any of its ids or its URL. Raises NotFound if it is not stored."""
    return tx.papers.get(name.strip()[:400], missing=UNKNOWN_PAPER)


def _render(
    ctx: WebContext, token: str, reader: Subscriber, *, tag: str = "", page: int = 1, **shown: Any
) -> Response:
    with ctx.services.store.begin(write=False) as tx:
        saved = tx.saved_papers.list_by_subscriber(reader.id)
        account = tx.zotero_accounts.find(reader.id)
    matching = saved_papers.filter_by_tag(saved, tag)
    pages = max(1, -(-len(matching) // PAGE_SIZE))
    page = min(max(page, 1), pages)
    return ctx.pages.render(
        "saved",
        action=f"/p/{token}/saved",
        preferences=f"/p/{token}",
        count=len(saved),
        entries=[
            (item, build_public_card(item.paper, day=ctx.clock().date()))
            for item in matching[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        ],
        tag=tag,
        tags=_count_tags(saved),
        page=page,
        pages=pages,
        formats=list(CitationFormat),
        feeds={kind: saved_feed_path(ctx, reader, kind) for kind in ("atom", "json")},
        account=account,
        is_connected=bool(account and account.sealed_key),
        waiting=sum(item.zotero_at is None for item in saved) if account and account.sealed_key else 0,
        **shown,
    )


def _count_tags(saved: Sequence[SavedPaper]) -> list[tuple[str, int]]:
    """Return the tags with their numbers of papers, in the order of the alphabet."""
    counts: Counter[str] = Counter()
    names: dict[str, str] = {}
    for item in saved:
        for tag in item.tags:
            names.setdefault(tag.casefold(), tag)
            counts[tag.casefold()] += 1
    return [(names[key], counts[key]) for key in sorted(counts)]


def _build_feed(ctx: WebContext, token: str, kind: str) -> Feed:
    reader, base = get_feed_reader(ctx, token), ctx.services.settings.base_url
    with ctx.services.store.begin(write=False) as tx:
        saved = tx.saved_papers.list_by_subscriber(reader.id)[:MAX_FEED_ENTRIES]
    return Feed(
        title=gettext("%(brand)s: saved papers") % {"brand": ctx.services.site.brand},
        home=f"{base}/",
        url=base + saved_feed_path(ctx, reader, kind),
        updated=saved[0].saved_at if saved else get_day_start(ctx.clock()),
        entries=[_build_feed_entry(ctx, item) for item in saved],
    )


def _build_feed_entry(ctx: WebContext, item: SavedPaper) -> Entry:
    card = build_public_card(item.paper, day=ctx.clock().date())
    texts = (item.note, card.gist, " ".join(f"#{tag}" for tag in item.tags))
    return Entry(
        paper=item.paper, card=replace(card, gist="\n".join(filter(None, texts))), updated=item.saved_at
    )
