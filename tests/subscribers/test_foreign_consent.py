"""What rows of other programs' files say about consent, each with the columns its program writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models import Status
from digest.models.errors import InvalidChange
from digest.subscribers.foreign_consent import normalize_name, read_consent

LEFT, GONE = (Status.UNSUBSCRIBED, False), (Status.UNSUBSCRIBED, True)
SAYS_NOTHING = (None, False)


def read(**columns: object) -> tuple[Status | None, bool]:
    consent = read_consent({normalize_name(name): value for name, value in columns.items()})
    return consent.status, consent.is_suppressed


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "unsubscribed"}, {"Status": "Unsubscribed"}, {"status": "disabled"},
        {"status": "archived"},
        {"status": "inactive"}, {"status": "Opted-out"}, {"status": "Unsubscribed (by user)"},
        {"status": "no longer subscribed"}, {"status": "Not subscribed"}, {"status": "cancelled"},
        {"status": "abgemeldet"}, {"status": "désabonné"}, {"status": "removed"}, {"state": "cancelled"},
        {"subscription_status": "unsubscribed"}, {"subscriber_type": "unsubscribed"},
        {"type": "unsubscribed"},
        {"UNSUB_TIME": "2023-05-01 09:00:00"}, {"unsubscription_date": "2025-01-01"},
        {"unsubscribed_at": "1"},
        {"Unsubscribed on": "5 May"}, {"unsubscribe_reason": "too many"}, {"opt_out_date": "1.2.2024"},
        {"deleted_at": "2024-01-01T00:00:00Z"}, {"Abgemeldet am": "01.02.2024"},
        {"unsubscribed": "1"}, {"unsubscribed": True}, {"opted_out": "yes"}, {"email_disabled": "true"},
        {"disabled": 1}, {"is_unsubscribed": "Y"}, {"isUnsubscribed": "true"}, {"emailOptOut": "X"},
        {"do_not_email": "yes"}, {"DoNotContact": "1"}, {"global_unsubscribe": "TRUE"},
        {"subscribed_to_emails": "false"}, {"subscribed": "0"}, {"is_subscribed": False}, {"opt_in": "No"},
        {"email_opt_in": "nein"}, {"accepts_marketing": "no"}, {"active": "FALSE"}, {"enabled": "off"},
        {"newsletter": "no"}, {"consent": "withdrawn"}, {"email_marketing_consent": "unsubscribed"},
        {"lists": [{"name": "a", "subscription_status": "unsubscribed"}]},
    ],
    ids=str,
)  # fmt: skip
def test_row_of_a_person_who_left_is_unsubscribed(columns: dict[str, object]) -> None:
    assert read(**columns) == LEFT


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "blocklisted"}, {"status": "cleaned"}, {"status": "bounced"}, {"status": "Hard bounced"},
        {"status": "Marked as spam"}, {"status": "complained"}, {"status": "unreachable"}, {"status": "junk"},
        {"subscriber_type": "undeliverable"}, {"subscriber_type": "blocked"}, {"CLEAN_TIME": "2024-01-01"},
        {"blacklisted": "1"}, {"email_blacklisted": "true"}, {"emailBlacklisted": True}, {"bounced": "yes"},
        {"bounced_at": "2024-01-01"}, {"complaint": "1"}, {"complained_at": "2024-01-01"},
        {"Is this user blacklisted": "1"}, {"marked_as_spam": "yes"},
        {"subscribed": "true", "bounced_at": "2024-01-01"},
    ],
    ids=str,
)  # fmt: skip
def test_address_that_bounced_or_complained_is_suppressed(columns: dict[str, object]) -> None:
    assert read(**columns) == GONE


@pytest.mark.parametrize(
    "columns",
    [
        {"UNSUB_TIME": "", "CLEAN_TIME": None}, {"unsubscribed": "0"}, {"unsubscribed": False},
        {"unsubscribed_at": "0000-00-00 00:00:00"}, {"unsubscribed_at": "NULL"}, {"bounced": "no"},
        {"email_disabled": "false"}, {"opted_out": "-"}, {"OPTIN_TIME": "2020-01-01"}, {"subscribed": "1"},
        {"subscribed_at": "2020-01-01"}, {"active_subscription": "false"}, {"double_opt_in": "no"},
        {"complimentary_plan": "false"}, {"unsubscribe_url": "https://example.org/u/1"}, {"bouncecount": "3"},
        {"Number of bounces on this user": "2"}, {"soft_bounces": "1"}, {"sms_opt_in": "no"},
        {"state": "Ohio"}, {"type": "customer"}, {"confirmed_at": "2020-01-01"}, {"notes": "left-handed"},
        {"lists": [{"subscription_status": "unsubscribed"}, {"subscription_status": "confirmed"}]},
    ],
    ids=str,
)  # fmt: skip
def test_other_columns_say_nothing(columns: dict[str, object]) -> None:
    assert read(**columns) == SAYS_NOTHING


def test_unconfirmed_and_paused_people_are_told_from_confirmed_ones() -> None:
    assert read(status="pending") == read(confirmed="0") == (Status.UNCONFIRMED, False)
    assert read(subscriber_type="unactivated") == (Status.UNCONFIRMED, False)
    assert read(status="paused") == (Status.PAUSED, False)
    assert read(status="enabled") == read(subscriber_type="regular") == (Status.CONFIRMED, False)
    assert read(status="active", confirmed="no") == (Status.UNCONFIRMED, False)


def test_evidence_names_the_column_and_clips_its_value() -> None:
    assert read_consent({"email_disabled": True}).evidence == "email_disabled “True”"
    assert len(read_consent({"unsub_reason": "x" * 500}).evidence) < 80


def test_unknown_status_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidChange, match="'asleep'; there are unconfirmed, confirmed"):
        read(status="asleep")


@given(
    st.dictionaries(st.text(max_size=30), st.text(max_size=30), max_size=5),
    st.sampled_from(["unsubscribed", "x"]),
)
def test_nothing_beside_it_outweighs_that_a_person_left(others: dict[str, str], reason: str) -> None:
    columns = {name: value for name, value in others.items() if "status" not in normalize_name(name)}
    columns = {
        name: value for name, value in columns.items() if not normalize_name(name).endswith(("type", "state"))
    }
    assert read(**columns, unsubscribed_because=reason)[0] is Status.UNSUBSCRIBED
