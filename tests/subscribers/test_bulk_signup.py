"""Many people who sign up at the same moment end where each would have ended alone."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from digest import subscribers
from digest.db import Database
from digest.models import Delivery, Subscriber
from digest.models.errors import InvalidToken
from digest.subscribers import Actor
from digest.subscribers.bulk_signup import SignUpRequest, sign_up_all
from tests.factories import NOW

ADDRESSES = ("ada@example.com", "Ada@Example.com", "bob@example.com", "cleo@example.com", "dan@example.com")
WISHES: tuple[dict[str, object], ...] = (
    {},
    {"keywords": "sheep"},
    {"timezone": "Europe/Berlin", "muted": "cows"},
)
asked = st.lists(st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(WISHES)), min_size=1, max_size=6)
doings = st.lists(
    st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(["sign up", "confirm", "leave", "suppress"])),
    max_size=6,
)


@given(before=doings, rush=asked, minutes=st.integers(0, 30))
def test_together_is_as_if_each_had_come_alone(
    before: list[tuple[str, str]], rush: list[tuple[str, dict[str, object]]], minutes: int
) -> None:
    together, alone = (_after(before) for _ in range(2))
    by = Actor("reader", NOW + timedelta(minutes=minutes), b"pepper")
    with together.begin() as tx:
        sign_up_all(tx, [SignUpRequest.read(address, wishes) for address, wishes in rush], by=by)
    with alone.begin() as tx:
        for address, wishes in rush:
            subscribers.sign_up(tx, address, wishes, by=by)
    assert _seen(together) == _seen(alone)
    together.close()
    alone.close()


def _after(doings: list[tuple[str, str]]) -> Database:
    """A store in which all of this happened an hour ago."""
    store, by = Database.open("sqlite://"), Actor("reader", NOW, b"pepper")
    for address, doing in doings:
        with store.begin() as tx:
            known = tx.subscribers.by_addresses([address]).values()
            pid = next((reader.pid for reader in known), "nobody")
            if doing == "sign up":
                subscribers.sign_up(tx, address, by=by)
            elif doing == "suppress":
                subscribers.suppress(tx, address, by=by)
            elif doing == "leave":
                subscribers.unsubscribe(tx, pid, by=by)
            elif known:
                with suppress(InvalidToken):
                    subscribers.confirm(tx, pid, by=by)
    return store


def _seen(store: Database) -> list[tuple[Subscriber, list[str]]]:
    """Everyone and their mails, without what is drawn by lot."""
    with store.begin(write=False) as tx:
        readers = sorted(tx.subscribers.after(), key=lambda reader: reader.address.casefold())
        return [
            (replace(reader, id=0, pid=""), sorted(map(_told, tx.deliveries.history(reader.id))))
            for reader in readers
        ]


def _told(mail: Delivery) -> str:
    return f"{mail.kind} {mail.address} {mail.payload} {mail.not_before} {mail.not_after}"
