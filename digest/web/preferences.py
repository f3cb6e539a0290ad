"""What does a reader want? Everything can be changed by the signed link of the mail, without a password."""

import json
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import TypeAdapter
from starlette.datastructures import FormData
from starlette.responses import Response

from digest import subscriptions
from digest.changes import changed
from digest.compose.links import Purpose
from digest.errors import InvalidAddress, InvalidChange, NotFound
from digest.library import Library, understood
from digest.model import Liking, Profile, Status, Subscriber
from digest.rank.learning import MOST_LIKED, forget, reset
from digest.store.addresses import parse_address
from digest.web.guard import MOST_PASTED
from digest.web.lobby import InLobby, Lobby
from digest.web.parts import Button
from digest.web.previews import latest, sections
from digest.web.private import feed_path
from digest.web.wishes import Wishes

LANGUAGES = (("en", "English"), ("de", "Deutsch"), ("fr", "Français"), ("es", "Español"), ("zh", "中文"))
ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Madrid", "Europe/Rome", "Europe/Zurich",
    "Europe/Warsaw", "Europe/Athens", "Europe/Kyiv", "Europe/Istanbul", "Africa/Cairo", "Africa/Lagos",
    "Africa/Nairobi", "Africa/Johannesburg", "Asia/Dubai", "Asia/Tehran", "Asia/Karachi", "Asia/Kolkata",
    "Asia/Dhaka", "Asia/Bangkok", "Asia/Singapore", "Asia/Shanghai", "Asia/Taipei", "Asia/Tokyo",
    "Asia/Seoul", "Australia/Perth", "Australia/Sydney", "Pacific/Auckland", "America/Sao_Paulo",
    "America/Buenos_Aires", "America/Halifax", "America/New_York", "America/Toronto", "America/Chicago",
    "America/Denver", "America/Los_Angeles", "America/Vancouver", "Pacific/Honolulu",
)  # fmt: skip
STANDING = {
    Status.CONFIRMED: "You are subscribed.",
    Status.PAUSED: "Your subscription is paused.",
    Status.UNCONFIRMED: "You have not confirmed yet: open the link in our mail.",
    Status.UNSUBSCRIBED: "You are unsubscribed; nothing is sent.",
}
MOST_NAMED, LONGEST_NAMED = 10, 80  # of what was pasted and not understood
_ALL = TypeAdapter(Subscriber)

router = APIRouter(include_in_schema=False)


async def _typed(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=0, max_fields=100, max_part_size=MOST_PASTED) as form:
        yield form


Form = Annotated[FormData, Depends(_typed)]


@dataclass(frozen=True, slots=True)
class Visit:
    """Someone at their preferences."""

    lobby: Lobby
    token: str
    reader: Subscriber

    def of(self, reader: Subscriber) -> "Visit":
        """The same visit, with the reader as they are now."""
        return replace(self, reader=reader)

    def page(
        self, wishes: Wishes | None = None, *, done: str = "", problem: str = "", unsaved: bool = False
    ) -> Response:
        """The whole page: what can be chosen, beside today's digest."""
        lobby, reader = self.lobby, self.reader
        return lobby.pages.page(
            "preferences",
            status=422 if problem else 200,
            subscriber=reader,
            standing=STANDING[reader.status],
            wishes=wishes or Wishes.of(reader),
            action=f"/p/{self.token}",
            unsubscribe=lobby.house.links.unsubscribe(reader.pid),
            feeds={kind: feed_path(lobby, reader, kind) for kind in ("atom", "json")},
            languages=LANGUAGES,
            zones=ZONES,
            preview=sections(lobby.house.links, lobby.mornings.edition(reader, lobby.clock())),
            done=done,
            problems=[problem] if problem else [],
            unsaved=unsaved,
        )


@router.get("/p/{token}")
def show(token: str, lobby: InLobby) -> Response:
    """Everything that can be chosen, beside today's digest."""
    return Visit(lobby, token, _reader(lobby, token)).page()


@router.post("/p/{token}")
def act(token: str, lobby: InLobby, form: Form) -> Response:
    """What the pressed button says; without one, the form is saved."""
    does = ACTIONS.get(str(form.get("do", "")), _save)
    return does(Visit(lobby, token, _reader(lobby, token)), form)


@router.get("/p/{token}/export")
def export(token: str, lobby: InLobby) -> Response:
    """Everything that is stored about this reader, as JSON."""
    reader = _reader(lobby, token)
    with lobby.house.store.begin(write=False) as tx:
        sent = tx.deliveries.sent_papers([reader.id]).get(reader.id, {})
    everything: dict[str, Any] = {
        "subscriber": _ALL.dump_python(reader, mode="json"),
        "sent": [{"paper": paper, "day": each.day.isoformat()} for paper, each in sorted(sent.items())],
        "editions": [edition.day.isoformat() for edition in latest(lobby.house.store, reader)],
    }
    return Response(
        json.dumps(everything, ensure_ascii=False, indent=2),
        media_type="application/json",
        headers={"content-disposition": 'attachment; filename="my-data.json"'},
    )


def _reader(lobby: Lobby, token: str) -> Subscriber:
    claim = lobby.house.links.keys.verify(Purpose.PREFERENCES, token, now=lobby.clock())
    with lobby.house.store.begin(write=False) as tx:
        try:
            return tx.subscribers.by_pid(claim.pid)
        except NotFound as error:
            raise NotFound("Nothing is stored about you any more.") from error


def _save(visit: Visit, form: FormData) -> Response:
    wishes, by = Wishes.typed(form), visit.lobby.by("reader")
    try:
        with visit.lobby.house.store.begin() as tx:
            now = tx.subscribers.by_pid(visit.reader.pid)
            library = understood(tx, wishes.pasted)
            wanted = _with(changed(now, wishes.named(now)), library.likings)
            saved = subscriptions.revise(tx, wanted, by=by)
    except InvalidChange as error:
        return visit.page(wishes, problem=str(error))
    return visit.of(saved).page(done=f"Saved.{_told(library)}")


def _preview(visit: Visit, form: FormData) -> Response:
    wishes = Wishes.typed(form)
    try:
        with visit.lobby.house.store.begin(write=False) as tx:
            library = understood(tx, wishes.pasted)
        tried = _with(changed(visit.reader, wishes.named(visit.reader)), library.likings)
    except InvalidChange as error:
        return visit.page(wishes, problem=str(error))
    return visit.of(tried).page(wishes, done=_told(library).strip(), unsaved=True)


def _forget(visit: Visit, form: FormData) -> Response:
    term, paper = str(form.get("term", "")), str(form.get("paper", ""))
    with visit.lobby.house.store.begin() as tx:
        now = tx.subscribers.by_pid(visit.reader.pid)
        profile = reset(now.profile) if "everything" in form else _without(forget(now.profile, term), paper)
        saved = subscriptions.revise(tx, replace(now, profile=profile), by=visit.lobby.by("reader"))
    return visit.of(saved).page(done="Deleted.")


def _ask_address(visit: Visit, form: FormData) -> Response:
    try:
        address = parse_address(str(form.get("address", ""))).shown
    except InvalidAddress as error:
        return visit.page(problem=str(error))
    with visit.lobby.house.store.begin() as tx:
        subscriptions.change_address(tx, visit.reader.pid, address, by=visit.lobby.by("reader"))
    return visit.page(
        done="If the new address can get our mail, a message is on its way: open it and confirm."
    )


def _revoke_feed(visit: Visit, _: FormData) -> Response:
    with visit.lobby.house.store.begin() as tx:
        now = tx.subscribers.by_pid(visit.reader.pid)
        wants = replace(now.preferences, feed_revision=now.preferences.feed_revision + 1)
        saved = subscriptions.revise(tx, replace(now, preferences=wants), by=visit.lobby.by("reader"))
    return visit.of(saved).page(done="The old address of your feed has ended.")


def _resume(visit: Visit, _: FormData) -> Response:
    with visit.lobby.house.store.begin() as tx:
        awake = subscriptions.resume(tx, visit.reader.pid, by=visit.lobby.by("reader"))
    return visit.of(awake).page(done="The mails come again.")


def _ask_erase(visit: Visit, _: FormData) -> Response:
    back = f"/p/{visit.token}"
    return visit.lobby.pages.page(
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


def _erase(visit: Visit, _: FormData) -> Response:
    with visit.lobby.house.store.begin() as tx:
        subscriptions.erase(tx, visit.reader.pid, by=visit.lobby.by("reader"))
    return visit.lobby.pages.message("Everything is erased", "Nothing about you is stored here any more.")


ACTIONS: dict[str, Callable[[Visit, FormData], Response]] = {
    "preview": _preview,
    "forget": _forget,
    "address": _ask_address,
    "revoke-feed": _revoke_feed,
    "resume": _resume,
    "erase": _ask_erase,
    "erase-now": _erase,
}


def _told(library: Library) -> str:
    """How many of the pasted papers were understood, and word for word what was not."""
    number, unknown = len(library.likings), library.unknown
    told = f" {number} paper{'s' if number > 1 else ''} understood." if number else ""
    if unknown:
        named = ", ".join(
            textwrap.shorten(name, LONGEST_NAMED, placeholder="…") for name in unknown[:MOST_NAMED]
        )
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        told += f" Not understood, or not known here: {named}{more}."
    return told


def _with(reader: Subscriber, papers: Sequence[Liking]) -> Subscriber:
    """The reader with these papers liked, each once, the latest first."""
    if not papers:
        return reader
    once = {liking.paper_id or liking.title: liking for liking in (*papers, *reader.profile.liked)}
    return replace(reader, profile=replace(reader.profile, liked=tuple(once.values())[:MOST_LIKED]))


def _without(profile: Profile, paper: str) -> Profile:
    """The profile without a judged paper, known by its id or, where it has none, its title."""
    if not paper:
        return profile
    liked, disliked = (
        tuple(each for each in judged if paper not in {each.paper_id, each.title})
        for judged in (profile.liked, profile.disliked)
    )
    return replace(profile, liked=liked, disliked=disliked)
