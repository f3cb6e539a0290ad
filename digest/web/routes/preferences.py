"""The preferences page, opened without a password by the signed link in each mail."""

import json
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from pydantic import TypeAdapter
from starlette.datastructures import FormData
from starlette.responses import Response

from digest import subscribers
from digest.db import Transaction
from digest.mail.locale import Locale
from digest.models import Profile, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import InvalidAddress, InvalidChange, InvalidToken
from digest.models.schedule import get_local_day
from digest.models.subscribers import MAX_LIKED_PAPERS
from digest.ranking.feedback import forget_term, reset_learning
from digest.sources.libraries.bibliography import UnknownEntry
from digest.sources.libraries.request import extract_accounts
from digest.subscribers import Actor
from digest.subscribers.seed_papers import Library, complete_seeds, parse_library
from digest.web.components import Button
from digest.web.context import WebContextDep
from digest.web.languages import get_page_locale, gettext, set_page_language, translate_error
from digest.web.preferences_form import (
    FormBody,
    ImportedPapers,
    PreferencesForm,
    PreferencesPage,
    format_status,
    get_reader,
)
from digest.web.previews import load_latest_editions
from digest.web.routing import create_router
from digest.web.votes import forget_term_of_votes

MAX_UNKNOWN_NAMES, MAX_NAME_CHARS = 10, 80  # of what was pasted and not recognised
PAUSES = ("7", "14", "28")  # days
_SUBSCRIBER = TypeAdapter(Subscriber)

# What changes a reader, and returns them with a sentence on what was done.
Change = Callable[[Transaction, Subscriber, FormData, Actor], tuple[Subscriber, str]]

router = create_router(include_in_schema=False)


@router.get("/p/{token}")
def show_preferences(token: str, ctx: WebContextDep) -> Response:
    """Show all preferences beside a preview of today's digest."""
    return PreferencesPage(ctx, token, get_reader(ctx, token)).render()


@router.post("/p/{token}")
def run_action(token: str, ctx: WebContextDep, data: FormBody, imported: ImportedPapers) -> Response:
    """Run the action of the pressed button; without one, save the form."""
    handler = ACTIONS.get(str(data.get("do", "")), _save)
    return handler(PreferencesPage(ctx, token, get_reader(ctx, token), imported), data)


@router.get("/p/{token}/export")
def export(token: str, ctx: WebContextDep) -> Response:
    """Return everything that is stored about this reader, as JSON."""
    reader = get_reader(ctx, token)
    with ctx.services.store.begin(write=False) as tx:
        sent = tx.sent_papers.get_by_subscriber([reader.id]).get(reader.id, {})
        channels = tx.channels.list_by_subscriber([reader.id]).get(reader.id, [])
        tokens = tx.reader_tokens.list_by_subscriber(reader.id)
        votes = tx.votes.list_by_subscriber(reader.id)
        saved = tx.saved_papers.list_by_subscriber(reader.id)
        tags = tx.tags.get_by_subscriber([reader.id]).get(reader.id, ())
    fields: dict[str, Any] = _SUBSCRIBER.dump_python(reader, mode="json")
    content: dict[str, Any] = {
        "subscriber": {"pid" if name == "public_id" else name: value for name, value in fields.items()},
        "sent": [{"paper": paper, "day": record.day.isoformat()} for paper, record in sorted(sent.items())],
        "votes": [
            {
                "paper": vote.paper_id,
                "verdict": vote.verdict,
                "reason": vote.reason,
                "at": vote.at.isoformat(),
            }
            for vote in votes
        ],
        "saved": [
            {"paper": item.paper.id, "at": item.saved_at.isoformat(), "note": item.note, "tags": item.tags}
            for item in saved
        ],
        "tags": tags,  # that administrators gave
        "channels": [{"kind": item.kind, "host": item.host, "state": item.state} for item in channels],
        "tokens": [{"name": item.name, "may_write": item.may_write} for item in tokens],
        "editions": [edition.day.isoformat() for edition in load_latest_editions(ctx.services.store, reader)],
    }
    return Response(
        json.dumps(content, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="my-data.json"'},
    )


def _save(page: PreferencesPage, data: FormData) -> Response:
    form, imported = PreferencesForm.parse(data), page.library_papers
    _, pasted = extract_accounts(form.pasted)
    try:
        with page.ctx.services.store.begin() as tx:
            library = parse_library(tx, pasted) + complete_seeds(tx, imported.seeds)
            changes = form.to_changes(tx.subscribers.get_by_public_id(page.reader.public_id))
            actor = page.ctx.actor("reader")
            saved = subscribers.change_settings(
                tx, page.reader.public_id, changes, papers=library.papers, actor=actor
            )
    except InvalidChange as error:
        return page.render(form, problems=[translate_error(error)], status=422)
    set_page_language(saved.preferences.language)
    unread: dict[str, Any] = {
        name: value for name, value in form.libraries.items() if name in imported.failures
    }
    shown = replace(PreferencesForm.from_subscriber(saved), **unread)
    return replace(page, reader=saved).render(
        shown,
        done=gettext("Saved.") + _describe_library(library),
        problems=[*dict.fromkeys(map(translate_error, imported.failures.values()))],
    )


def _preview(page: PreferencesPage, data: FormData) -> Response:
    form = PreferencesForm.parse(data)
    accounts, pasted = extract_accounts(form.pasted)
    try:
        with page.ctx.services.store.begin(write=False) as tx:
            library = parse_library(tx, pasted)
        preview = subscribers.preview_settings(page.reader, form.to_changes(page.reader), library.papers)
    except InvalidChange as error:
        return page.render(form, problems=[translate_error(error)], status=422)
    done = _describe_library(library)
    if form.libraries or accounts.by_library():
        done += " " + gettext("Your libraries are read when you save.")
    return replace(page, reader=preview).render(form, done=done.strip(), unsaved=True)


def _request_address_change(page: PreferencesPage, data: FormData) -> Response:
    try:
        address = parse_address(str(data.get("address", ""))).display
    except InvalidAddress as error:
        return page.render(problems=[translate_error(error)], status=422)
    with page.ctx.services.store.begin() as tx:
        subscribers.change_address(tx, page.reader.public_id, address, actor=page.ctx.actor("reader"))
    return page.render(
        done=gettext(
            "If the new address can receive our email, a message is on its way: open it and confirm."
        )
    )


def _run_change(change: Change, page: PreferencesPage, data: FormData) -> Response:
    """Change the reader in one transaction, and show the page with a sentence on what was done."""
    with page.ctx.services.store.begin() as tx:
        reader = tx.subscribers.get_by_public_id(page.reader.public_id)
        changed, done = change(tx, reader, data, page.ctx.actor("reader"))
    return replace(page, reader=changed).render(done=done)


def _forget(tx: Transaction, reader: Subscriber, data: FormData, actor: Actor) -> tuple[Subscriber, str]:
    term, paper = str(data.get("term", "")), str(data.get("paper", ""))
    if "everything" in data:
        profile = reset_learning(reader.profile)
        tx.votes.delete(reader.id)
    else:
        profile = _remove_paper(forget_term(reader.profile, term), paper)
        forget_term_of_votes(tx, reader, term)
        if paper:
            tx.votes.delete(reader.id, paper)
    saved = subscribers.save_settings(tx, replace(reader, profile=profile), actor=actor)
    return saved, gettext("Deleted.")


def _renew_feed_url(tx: Transaction, reader: Subscriber, _: FormData, actor: Actor) -> tuple[Subscriber, str]:
    preferences = replace(reader.preferences, feed_revision=reader.preferences.feed_revision + 1)
    saved = subscribers.save_settings(tx, replace(reader, preferences=preferences), actor=actor)
    return saved, gettext("The old address of your feed no longer works.")


def _pause(tx: Transaction, reader: Subscriber, data: FormData, actor: Actor) -> tuple[Subscriber, str]:
    """Pause from today for the days of the pressed button; the mails resume by themselves."""
    text = str(data.get("days", ""))
    days = int(text) if text in PAUSES else 7
    until = get_local_day(reader.schedule, actor.now) + timedelta(days=days)
    paused = subscribers.pause(tx, reader.public_id, until=until, actor=actor)
    return paused, format_status(paused, actor.now)


def _resume(tx: Transaction, reader: Subscriber, _: FormData, actor: Actor) -> tuple[Subscriber, str]:
    return subscribers.resume(tx, reader.public_id, actor=actor), gettext("Emails are sent again.")


def _restore(tx: Transaction, reader: Subscriber, _: FormData, actor: Actor) -> tuple[Subscriber, str]:
    """Undo a recent unsubscription; after an older one, ask by email."""
    try:
        again = subscribers.undo_unsubscribe(tx, reader.public_id, actor=actor)
        return again, gettext("Emails are sent again.")
    except InvalidToken:
        subscribers.sign_up(tx, reader.address, actor=actor)
    sent = gettext("If %(address)s can receive our email, a message is on its way: open it and confirm.")
    return tx.subscribers.get_by_public_id(reader.public_id), sent % {"address": reader.address}


def _confirm_erase(page: PreferencesPage, _: FormData) -> Response:
    url = f"/p/{page.token}"
    deleted = gettext("Your address %(address)s, your interests and what was sent are deleted at once.")
    return page.ctx.pages.render(
        "question",
        title=gettext("Erase everything?"),
        sentences=[deleted % {"address": page.reader.address}, gettext("This cannot be undone.")],
        buttons=[Button(gettext("Erase everything"), url, main=True, name="do", value="erase-now")],
        links=[
            (gettext("No, back to my preferences"), url),
            (gettext("Download a copy first"), f"{url}/export"),
        ],
    )


def _erase(page: PreferencesPage, _: FormData) -> Response:
    with page.ctx.services.store.begin() as tx:
        subscribers.erase(tx, page.reader.public_id, actor=page.ctx.actor("reader"))
    return page.ctx.pages.render_message(
        gettext("Everything is erased"), gettext("Nothing about you is stored here any more.")
    )


CHANGES: dict[str, Change] = {
    "forget": _forget,
    "revoke-feed": _renew_feed_url,
    "pause": _pause,
    "resume": _resume,
    "subscribe": _restore,
}
ACTIONS: dict[str, Callable[[PreferencesPage, FormData], Response]] = {
    "preview": _preview,
    "address": _request_address_change,
    "erase": _confirm_erase,
    "erase-now": _erase,
    **{name: partial(_run_change, change) for name, change in CHANGES.items()},
}


def _describe_library(library: Library) -> str:
    """Return a sentence on how many given papers were recognised, and which were not."""
    locale = get_page_locale()
    number, unknown = len(library.papers), library.unknown
    summary = ""
    if number:
        understood = locale.format_count(
            "%(count)s paper recognised.", "%(count)s papers recognised.", number
        )
        summary += f" {understood}"
    if number > MAX_LIKED_PAPERS:
        first = locale.gettext("The first %(number)s are kept.")
        summary += " " + first % {"number": MAX_LIKED_PAPERS}
    if unknown:
        named = ", ".join(
            textwrap.shorten(_name_entry(locale, entry), MAX_NAME_CHARS, placeholder="…")
            for entry in unknown[:MAX_UNKNOWN_NAMES]
        )
        if len(unknown) > MAX_UNKNOWN_NAMES:
            rest = locale.format_count(
                "and %(count)s more", "and %(count)s more", len(unknown) - MAX_UNKNOWN_NAMES
            )
            named += f" {rest}"
        missed = locale.gettext("Not recognised, or not stored here: %(names)s.")
        summary += " " + missed % {"names": named}
    return summary


def _name_entry(locale: Locale, entry: UnknownEntry | str) -> str:
    if isinstance(entry, str):
        return entry
    return locale.gettext("line %(line)s: %(text)s") % {"line": entry.line, "text": entry.text}


def _remove_paper(profile: Profile, paper: str) -> Profile:
    """Return the profile without a paper, given by its id or, if it has none, its title."""
    if not paper:
        return profile
    liked, disliked, opened = (
        tuple(item for item in papers if paper not in {item.paper_id, item.title})
        for papers in (profile.liked, profile.disliked, profile.opened)
    )
    return replace(profile, liked=liked, disliked=disliked, opened=opened)
