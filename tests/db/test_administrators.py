"""Tests of administrators, their sessions and API tokens in the database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.db import Database
from digest.models import DeliveryKind, DeliveryState, NewDelivery
from digest.models.administrators import Administrator, AdminSession, Role, SignInMethod, get_link_key
from digest.models.errors import NotFound, StateConflict
from tests.factories import NOW, make_admin_token

HOUR = timedelta(hours=1)


def make_session(public_id: str, person: Administrator | None) -> AdminSession:
    return AdminSession(
        public_id=public_id,
        administrator=person,
        credential="",
        method=SignInMethod.LINK,
        browser="Firefox",
        created_at=NOW,
        seen_at=NOW,
        ends_at=NOW + HOUR,
    )


@pytest.mark.parametrize(
    ("role", "needed", "allows"),
    [
        (Role.OWNER, Role.EDITOR, True),
        (Role.EDITOR, Role.EDITOR, True),
        (Role.EDITOR, Role.OWNER, False),
        (Role.VIEWER, Role.EDITOR, False),
        (Role.VIEWER, Role.VIEWER, True),
    ],
)
def test_each_role_may_do_what_the_lesser_ones_may(role: Role, needed: Role, *, allows: bool) -> None:
    assert role.allows(needed) is allows
    assert role.limit(needed) is needed.limit(role)


def test_an_administrator_is_invited_once_found_by_any_spelling_and_removed(any_store: Database) -> None:
    with any_store.begin() as tx:
        ada = tx.administrators.add("Ada", "Ada@Example.com", Role.OWNER, now=NOW)
        with pytest.raises(StateConflict):
            tx.administrators.add("Another Ada", "ada@example.com", Role.VIEWER, now=NOW)
        assert tx.administrators.find_by_address("ADA@example.com") == ada
        assert not tx.administrators.count_other_owners(
            tx.administrators.add("B", "b@example.com", Role.VIEWER, now=NOW)
        )
        tx.administrators.record_sign_in(ada, now=NOW, oidc_subject="https://id ada")
        known = tx.administrators.get(ada.public_id)
        assert (known.accepted_at, known.links_used) == (NOW, 1)
        assert tx.administrators.find_by_oidc_subject("https://id ada") == known
        tx.administrators.add_session("key", make_session("one", ada))

        key = f"{get_link_key(ada)}0/2026"
        link = NewDelivery(
            kind=DeliveryKind.ADMIN, key=key, subscriber_id=None, address=ada.address, slot=NOW,
            not_before=NOW, not_after=NOW + HOUR, payload={"administrator": ada.public_id},
        )  # fmt: skip
        tx.deliveries.enqueue([link, replace(link, key="admin-link/another/0/2026")], now=NOW)

        tx.administrators.remove(ada, now=NOW)

        mails = [tx.deliveries.find_by_key(each) for each in (key, "admin-link/another/0/2026")]
        assert [mail and (mail.address, mail.state) for mail in mails] == [
            ("", DeliveryState.CANCELLED),
            (ada.address, DeliveryState.QUEUED),
        ]
        assert tx.administrators.find_by_address("ada@example.com") is None
        assert tx.administrators.find_by_oidc_subject("https://id ada") is None
        assert tx.administrators.find_session("key", now=NOW) is None
        assert [person.name for person in tx.administrators.list_all()] == ["B"]
        assert tx.administrators.get_names([ada.public_id]) == {ada.public_id: "Ada"}
        with pytest.raises(NotFound):
            tx.administrators.get(ada.public_id)
        assert (
            tx.administrators.add("Ada", "ada@example.com", Role.VIEWER, now=NOW).public_id != ada.public_id
        )


def test_sessions_and_tokens_end_by_time_and_by_hand(any_store: Database) -> None:
    with any_store.begin() as tx:
        ada = tx.administrators.add("Ada", "ada@example.com", Role.EDITOR, now=NOW)
        one, shared = "one", "shared"
        for key, session in (("a", make_session(one, ada)), ("b", make_session(shared, None))):
            tx.administrators.add_session(key, replace(session, credential=key))
        found = tx.administrators.find_session("a", now=NOW)
        assert found
        assert (found.public_id, found.administrator) == (one, ada)
        tx.administrators.touch_session(found, now=NOW + HOUR / 2)
        rows = tx.administrators.list_sessions(now=NOW)
        assert [(row.public_id, row.credential) for row in rows] == [(one, "a"), (shared, "b")]
        assert [row.public_id for row in tx.administrators.list_sessions(now=NOW, administrator=ada)] == [one]
        assert tx.administrators.find_session("a", now=NOW + HOUR) is None
        assert [tx.administrators.end_session(one) for _ in range(2)] == [True, False]

        def add_token(name: str, key: str, hours: int | None) -> str:
            expires = NOW + hours * HOUR if hours else None
            token = replace(make_admin_token(ada), public_id=f"id of {key}", name=name, expires_at=expires)
            tx.administrators.add_token(key, token)
            return token.public_id

        short = add_token("export", "k1", 1)
        add_token("for ever", "k2", None)
        with pytest.raises(StateConflict):
            add_token("export", "k3", None)
        token = tx.administrators.find_token("k1", now=NOW)
        assert token
        assert (token.public_id, token.administrator, token.scope) == (short, ada, Role.VIEWER)
        tx.administrators.touch_token(token, now=NOW)
        assert tx.administrators.find_token("k1", now=NOW + HOUR) is None
        assert tx.administrators.find_token("k2", now=NOW + 9999 * HOUR)
        assert {each.name: each.used_at for each in tx.administrators.list_tokens(ada)} == {
            "export": NOW,
            "for ever": None,
        }
        assert tx.administrators.end_token(short)
        assert tx.administrators.find_token_by_id(short) is None


def test_runs_are_listed_newest_first_and_deleted_when_old(any_store: Database) -> None:
    with any_store.begin() as tx:
        for hours in range(3):
            tx.runs.add({"sent": hours}, started_at=NOW + hours * HOUR, ended_at=NOW + hours * HOUR)
        newest = tx.runs.list_latest(limit=2)
        assert [run.facts["sent"] for run in newest] == [2, 1]
        assert [run.facts["sent"] for run in tx.runs.list_latest(before=newest[-1].id)] == [0]
        assert tx.runs.delete_before(NOW + HOUR) == 1
