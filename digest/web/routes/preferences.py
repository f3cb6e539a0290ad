"""What does a reader want? Everything can be changed by the signed link of the mail, without a password."""

import json
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter
from starlette.datastructures import FormData
from starlette.responses import Response

from digest import subscribers
from digest.models import Profile, Subscriber
from digest.models.addresses import parse_address
from digest.models.errors import InvalidAddress, InvalidChange
from digest.models.schedule import local_day
from digest.models.subscribers import MOST_LIKED
from digest.ranking.feedback import forget, reset
from digest.sources.libraries.request import named_in
from digest.subscribers.seed_papers import Library, filled, understood
from digest.web.components import Button
from digest.web.context import WebContextDep
from digest.web.library_import import Borrowed
from digest.web.preferences_form import Form, PreferencesForm, PreferencesPage, reader_of, standing
from digest.web.previews import latest

MOST_NAMED, LONGEST_NAMED = 10, 80  # of what was pasted and not understood
PAUSES = ("7", "14", "28")  # days
_ALL = TypeAdapter(Subscriber)

router = APIRouter(include_in_schema=False)


@router.get("/p/{token}")
def show(token: str, ctx: WebContextDep) -> Response:
    """Everything that can be chosen, beside today's digest."""
    return PreferencesPage(ctx, token, reader_of(ctx, token)).page()


@router.post("/p/{token}")
def act(token: str, ctx: WebContextDep, form: Form, lent: Borrowed) -> Response:
    """What the pressed button says; without one, the form is saved."""
    does = ACTIONS.get(str(form.get("do", "")), _save)
    return does(PreferencesPage(ctx, token, reader_of(ctx, token), lent), form)


@router.get("/p/{token}/export")
def export(token: str, ctx: WebContextDep) -> Response:
    """Everything that is stored about this reader, as JSON."""
    reader = reader_of(ctx, token)
    with ctx.services.store.begin(write=False) as tx:
        sent = tx.sent.of([reader.id]).get(reader.id, {})
    everything: dict[str, Any] = {
        "subscriber": _ALL.dump_python(reader, mode="json"),
        "sent": [{"paper": paper, "day": each.day.isoformat()} for paper, each in sorted(sent.items())],
        "editions": [edition.day.isoformat() for edition in latest(ctx.services.store, reader)],
    }
    return Response(
        json.dumps(everything, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="my-data.json"'},
    )


def _save(visit: PreferencesPage, form: FormData) -> Response:
    wishes, lent = PreferencesForm.typed(form), visit.lent
    _, pasted = named_in(wishes.pasted)
    try:
        with visit.ctx.services.store.begin() as tx:
            library = understood(tx, pasted) + filled(tx, lent.seeds)
            named = wishes.named(tx.subscribers.by_pid(visit.reader.pid))
            by = visit.ctx.by("reader")
            saved = subscribers.change(tx, visit.reader.pid, named, papers=library.likings, by=by)
    except InvalidChange as error:
        return visit.page(wishes, problems=[str(error)], status=422)
    shown = wishes.left(PreferencesForm.of(saved), lent.failures)
    return visit.of(saved).page(
        shown, done=f"Saved.{_told(library)}", problems=[*dict.fromkeys(lent.failures.values())]
    )


def _preview(visit: PreferencesPage, form: FormData) -> Response:
    wishes = PreferencesForm.typed(form)
    shelves, pasted = named_in(wishes.pasted)
    try:
        with visit.ctx.services.store.begin(write=False) as tx:
            library = understood(tx, pasted)
        tried = subscribers.wished(visit.reader, wishes.named(visit.reader), library.likings)
    except InvalidChange as error:
        return visit.page(wishes, problems=[str(error)], status=422)
    later = " Your libraries are read when you save." if wishes.libraries or shelves.apart() else ""
    return visit.of(tried).page(wishes, done=f"{_told(library)}{later}".strip(), unsaved=True)


def _forget(visit: PreferencesPage, form: FormData) -> Response:
    term, paper = str(form.get("term", "")), str(form.get("paper", ""))
    with visit.ctx.services.store.begin() as tx:
        now = tx.subscribers.by_pid(visit.reader.pid)
        profile = reset(now.profile) if "everything" in form else _without(forget(now.profile, term), paper)
        saved = subscribers.revise(tx, replace(now, profile=profile), by=visit.ctx.by("reader"))
    return visit.of(saved).page(done="Deleted.")


def _ask_address(visit: PreferencesPage, form: FormData) -> Response:
    try:
        address = parse_address(str(form.get("address", ""))).shown
    except InvalidAddress as error:
        return visit.page(problems=[str(error)], status=422)
    with visit.ctx.services.store.begin() as tx:
        subscribers.change_address(tx, visit.reader.pid, address, by=visit.ctx.by("reader"))
    return visit.page(
        done="If the new address can get our mail, a message is on its way: open it and confirm."
    )


def _revoke_feed(visit: PreferencesPage, _: FormData) -> Response:
    with visit.ctx.services.store.begin() as tx:
        now = tx.subscribers.by_pid(visit.reader.pid)
        wants = replace(now.preferences, feed_revision=now.preferences.feed_revision + 1)
        saved = subscribers.revise(tx, replace(now, preferences=wants), by=visit.ctx.by("reader"))
    return visit.of(saved).page(done="The old address of your feed has ended.")


def _pause(visit: PreferencesPage, form: FormData) -> Response:
    """For as long as the pressed button says, from today; the mails come again by themselves."""
    given = str(form.get("days", ""))
    days = int(given) if given in PAUSES else 7
    by = visit.ctx.by("reader")
    until = local_day(visit.reader.schedule, by.now) + timedelta(days=days)
    with visit.ctx.services.store.begin() as tx:
        resting = subscribers.pause(tx, visit.reader.pid, until=until, by=by)
    return visit.of(resting).page(done=standing(resting, by.now))


def _resume(visit: PreferencesPage, _: FormData) -> Response:
    with visit.ctx.services.store.begin() as tx:
        awake = subscribers.resume(tx, visit.reader.pid, by=visit.ctx.by("reader"))
    return visit.of(awake).page(done="The mails come again.")


def _ask_erase(visit: PreferencesPage, _: FormData) -> Response:
    back = f"/p/{visit.token}"
    return visit.ctx.pages.page(
        "question",
        title="Erase everything?",
        sentences=[
            f"Your address {visit.reader.address}, your interests and what was sent are deleted at once.",
            "This cannot be undone.",
        ],
        card=None,
        buttons=[Button("Erase everything", back, main=True, name="do", value="erase-now")],
        links=[("No, back to my preferences", back), ("A copy first", f"{back}/export")],
    )


def _erase(visit: PreferencesPage, _: FormData) -> Response:
    with visit.ctx.services.store.begin() as tx:
        subscribers.erase(tx, visit.reader.pid, by=visit.ctx.by("reader"))
    return visit.ctx.pages.message("Everything is erased", "Nothing about you is stored here any more.")


ACTIONS: dict[str, Callable[[PreferencesPage, FormData], Response]] = {
    "preview": _preview,
    "forget": _forget,
    "address": _ask_address,
    "revoke-feed": _revoke_feed,
    "pause": _pause,
    "resume": _resume,
    "erase": _ask_erase,
    "erase-now": _erase,
}


def _told(library: Library) -> str:
    """How many of the papers that were given were understood, and word for word what was not."""
    number, unknown = len(library.likings), library.unknown
    told = f" {number} paper{'s' if number > 1 else ''} understood." if number else ""
    told += f" The first {MOST_LIKED} are remembered." if number > MOST_LIKED else ""
    if unknown:
        named = ", ".join(
            textwrap.shorten(name, LONGEST_NAMED, placeholder="…") for name in unknown[:MOST_NAMED]
        )
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        told += f" Not understood, or not known here: {named}{more}."
    return told


def _without(profile: Profile, paper: str) -> Profile:
    """The profile without a judged paper, known by its id or, where it has none, its title."""
    if not paper:
        return profile
    liked, disliked, opened = (
        tuple(each for each in known if paper not in {each.paper_id, each.title})
        for known in (profile.liked, profile.disliked, profile.opened)
    )
    return replace(profile, liked=liked, disliked=disliked, opened=opened)
