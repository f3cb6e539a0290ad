"""Tokens: signing and verifying, one purpose each, expiry and retired keys."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.tokens import PREVIEW_ID, Claim, Keys, Purpose
from digest.models.errors import ConfigError, InvalidToken, PreviewLink
from tests.factories import NOW

KEYS = Keys(b"a key for tests only")
URL_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
public_ids = st.text(URL_CHARS, min_size=1, max_size=36)
extras = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
purposes = st.sampled_from(Purpose)


@given(purposes, public_ids, extras, st.one_of(st.none(), st.integers(1, 10_000_000)))
def test_verify_returns_what_was_signed(
    purpose: Purpose, public_id: str, extra: str, minutes: int | None
) -> None:
    expires = NOW + timedelta(minutes=minutes) if minutes else None
    claim = KEYS.verify(purpose, KEYS.sign(purpose, public_id, extra, expires=expires), now=NOW)
    assert (claim.purpose, claim.public_id, claim.extra, claim.expires) == (
        purpose,
        public_id,
        extra,
        expires,
    )


@given(purposes, public_ids, extras, st.data())
def test_changing_any_one_character_breaks_a_token(
    purpose: Purpose, public_id: str, extra: str, data: st.DataObject
) -> None:
    token = KEYS.sign(purpose, public_id, extra, expires=NOW + timedelta(days=2))
    index = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from([c for c in URL_CHARS + ".=+/% é" if c.lower() != token[index]]))
    with pytest.raises(InvalidToken):
        KEYS.verify(purpose, token[:index] + letter + token[index + 1 :], now=NOW)


@given(purposes, public_ids, extras)
def test_a_cut_token_is_refused(purpose: Purpose, public_id: str, extra: str) -> None:
    token = KEYS.sign(purpose, public_id, extra)
    for length in range(len(token)):
        with pytest.raises(InvalidToken):
            KEYS.verify(purpose, token[:length], now=NOW)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nonsense_is_refused_and_never_raises_anything_else(text: str) -> None:
    with pytest.raises(InvalidToken):
        KEYS.verify(Purpose.FEED, text, now=NOW)


@given(purposes, purposes, public_ids)
def test_a_token_serves_one_purpose_only(signed: Purpose, used: Purpose, public_id: str) -> None:
    token = KEYS.sign(signed, public_id)
    if signed is used:
        assert KEYS.verify(used, token, now=NOW).public_id == public_id
    else:
        with pytest.raises(InvalidToken):
            KEYS.verify(used, token, now=NOW)


def test_a_token_expires_on_the_minute() -> None:
    expires = NOW + timedelta(hours=48)
    token = KEYS.sign(Purpose.CONFIRM, "ada", expires=expires)
    assert KEYS.verify(Purpose.CONFIRM, token, now=expires - timedelta(seconds=1)).expires == expires
    with pytest.raises(InvalidToken, match="expired"):
        KEYS.verify(Purpose.CONFIRM, token, now=expires)


def test_tokens_of_a_retired_key_still_work_and_those_of_an_unknown_one_do_not() -> None:
    old = KEYS.sign(Purpose.UNSUBSCRIBE, "ada")
    rotated = Keys(b"a newer key", retired=(KEYS.current,))
    assert rotated.verify(Purpose.UNSUBSCRIBE, old, now=NOW).public_id == "ada"
    assert rotated.sign(Purpose.UNSUBSCRIBE, "ada") != old
    with pytest.raises(InvalidToken):
        Keys(b"a newer key").verify(Purpose.UNSUBSCRIBE, old, now=NOW)


def test_an_empty_key_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"^A signing key is empty; set DIGEST_SECRET_KEY to"):
        Keys(b"")
    with pytest.raises(ConfigError):
        Keys(b"good", retired=(b"",))


def test_sign_raises_for_a_malformed_public_id() -> None:
    with pytest.raises(ValueError, match="public id"):
        KEYS.sign(Purpose.FEED, "ada@example.com")


def test_token_without_extra_claims_only_a_reader() -> None:
    assert KEYS.verify(Purpose.FEED, KEYS.sign(Purpose.FEED, "ada"), now=NOW) == Claim(Purpose.FEED, "ada")


@pytest.mark.parametrize("extra", [*("é" + "a" * length for length in range(9)), "aaW"])
def test_verify_returns_an_extra_of_any_length(extra: str) -> None:
    assert KEYS.verify(Purpose.FEED, KEYS.sign(Purpose.FEED, "ada", extra), now=NOW).extra == extra


@given(purposes, public_ids, extras)
def test_token_needs_no_escaping_has_one_case_and_ends_in_a_letter_or_digit(
    purpose: Purpose, public_id: str, extra: str
) -> None:
    token = KEYS.sign(purpose, public_id, extra, expires=NOW + timedelta(hours=48))
    assert set(token) <= {*URL_CHARS.lower(), "."}
    assert token[-1].isalnum()


@given(purposes, public_ids, extras, st.data())
def test_verify_accepts_any_case(purpose: Purpose, public_id: str, extra: str, data: st.DataObject) -> None:
    token = KEYS.sign(purpose, public_id, extra)
    capitals = data.draw(st.lists(st.booleans(), min_size=len(token), max_size=len(token)))
    mixed = "".join(char.upper() if upper else char for char, upper in zip(token, capitals, strict=True))
    assert KEYS.verify(purpose, mixed, now=NOW) == Claim(purpose, public_id, extra)


# As the versions before tokens of one case signed them, with the key of these tests.
OLD_TOKENS = {
    "j4_.k3V9q2M7w4xH-_aZ..htfju.kR49INnwNxZUChhV": Claim(
        Purpose.CONFIRM, "k3V9q2M7w4xH-_aZ", "", NOW + timedelta(days=2)
    ),
    "j4_.ada.bmV3QGV4YW1wbGUub3Jn.htfju.dgLh6cc80ba_ZIpf": Claim(
        Purpose.CONFIRM, "ada", "new@example.org", NOW + timedelta(days=2)
    ),
    "j4_.K3v9.sRg53qojlVasITAX": Claim(Purpose.PREFERENCES, "K3v9"),
    "j4_.ada.K2FyeGl2OjI2MTEuMDAwMDE.ghcJipmJfnqCgpCm": Claim(Purpose.FEEDBACK, "ada", "+arxiv:2611.00001"),
    "j4_.Reader2.pKNCS1X3jhUTtCs-": Claim(Purpose.UNSUBSCRIBE, "Reader2"),
    "j4_.Reader56.cooNnqDq0DyyMjS_": Claim(Purpose.UNSUBSCRIBE, "Reader56"),
}


@pytest.mark.parametrize(("token", "claim"), OLD_TOKENS.items())
def test_tokens_of_earlier_versions_verify_for_ever(token: str, claim: Claim) -> None:
    assert KEYS.verify(claim.purpose, token, now=NOW) == claim
    rotated = Keys(b"a newer key", retired=(KEYS.current,))
    assert rotated.verify(claim.purpose, token.rstrip("-_"), now=NOW) == claim


@pytest.mark.parametrize("token", OLD_TOKENS)
def test_changing_any_one_character_breaks_a_token_of_an_earlier_version(token: str) -> None:
    for index, char in enumerate(token):
        changed = token[:index] + ("a" if char != "a" else "b") + token[index + 1 :]
        with pytest.raises(InvalidToken):
            KEYS.verify(OLD_TOKENS[token].purpose, changed, now=NOW)


def test_token_with_a_lone_surrogate_is_refused() -> None:
    token = KEYS.sign(Purpose.FEED, "ada")
    for broken in (token.replace("ada", "\ud800"), token[:-1] + "\ud800"):
        with pytest.raises(InvalidToken):
            KEYS.verify(Purpose.FEED, broken, now=NOW)


def test_link_of_a_preview_says_so() -> None:
    with pytest.raises(PreviewLink, match="preview"):
        KEYS.verify(Purpose.PREFERENCES, KEYS.sign(Purpose.PREFERENCES, PREVIEW_ID), now=NOW)
