"""Who may do what by a link alone?"""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.links import Links
from digest.mail.tokens import Claim, Keys, Purpose, packed
from digest.models.errors import ConfigError, InvalidToken
from tests.factories import NOW

KEYS = Keys(b"a key for tests only")
LINKS = Links("https://papers.example.org", KEYS)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
pids = st.text(LETTERS, min_size=1, max_size=36)
extras = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
purposes = st.sampled_from(Purpose)


@given(purposes, pids, extras, st.one_of(st.none(), st.integers(1, 10_000_000)))
def test_what_was_signed_is_read_back(purpose: Purpose, pid: str, extra: str, minutes: int | None) -> None:
    expires = NOW + timedelta(minutes=minutes) if minutes else None
    claim = KEYS.verify(purpose, KEYS.sign(purpose, pid, extra, expires=expires), now=NOW)
    assert (claim.purpose, claim.pid, claim.extra, claim.expires) == (purpose, pid, extra, expires)


@given(purposes, pids, extras, st.data())
def test_changing_any_one_character_breaks_a_token(
    purpose: Purpose, pid: str, extra: str, data: st.DataObject
) -> None:
    token = KEYS.sign(purpose, pid, extra, expires=NOW + timedelta(days=2))
    at = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from([c for c in LETTERS + ".=+/% é" if c != token[at]]))
    with pytest.raises(InvalidToken):
        KEYS.verify(purpose, token[:at] + letter + token[at + 1 :], now=NOW)


@given(purposes, pids, extras)
def test_a_cut_token_is_refused(purpose: Purpose, pid: str, extra: str) -> None:
    token = KEYS.sign(purpose, pid, extra)
    for length in range(len(token)):
        with pytest.raises(InvalidToken):
            KEYS.verify(purpose, token[:length], now=NOW)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_nonsense_is_refused_and_never_raises_anything_else(text: str) -> None:
    with pytest.raises(InvalidToken):
        KEYS.verify(Purpose.FEED, text, now=NOW)


@given(purposes, purposes, pids)
def test_a_token_serves_one_purpose_only(signed: Purpose, used: Purpose, pid: str) -> None:
    token = KEYS.sign(signed, pid)
    if signed is used:
        assert KEYS.verify(used, token, now=NOW).pid == pid
    else:
        with pytest.raises(InvalidToken):
            KEYS.verify(used, token, now=NOW)


def test_a_token_expires_on_the_minute() -> None:
    expires = NOW + timedelta(hours=48)
    token = KEYS.sign(Purpose.CONFIRM, "ada", expires=expires)
    assert KEYS.verify(Purpose.CONFIRM, token, now=expires - timedelta(seconds=1)).expires == expires
    with pytest.raises(InvalidToken, match="expired"):
        KEYS.verify(Purpose.CONFIRM, token, now=expires)


def test_links_of_a_retired_key_still_work_and_those_of_a_forgotten_one_do_not() -> None:
    old = KEYS.sign(Purpose.UNSUBSCRIBE, "ada")
    rotated = Keys(b"a newer key", retired=(KEYS.current,))
    assert rotated.verify(Purpose.UNSUBSCRIBE, old, now=NOW).pid == "ada"
    assert rotated.sign(Purpose.UNSUBSCRIBE, "ada") != old
    with pytest.raises(InvalidToken):
        Keys(b"a newer key").verify(Purpose.UNSUBSCRIBE, old, now=NOW)


def test_an_empty_key_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"^A signing key is empty; set DIGEST_SECRET_KEY to"):
        Keys(b"")
    with pytest.raises(ConfigError):
        Keys(b"good", retired=(b"",))


def test_a_public_id_with_other_letters_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="public id"):
        KEYS.sign(Purpose.FEED, "ada@example.com")


def test_links_are_the_same_every_time_so_that_a_preview_equals_the_mail() -> None:
    again = Links("https://papers.example.org", Keys(b"a key for tests only"))
    assert LINKS.more("reader0001", "arxiv:2611.00001") == again.more("reader0001", "arxiv:2611.00001")
    assert LINKS.more("reader0001", "arxiv:2611.00001") != LINKS.less("reader0001", "arxiv:2611.00001")


def test_the_unsubscribe_link_is_short_enough_for_any_mailer() -> None:
    assert len(LINKS.unsubscribe("k3v9q2m7w4xh")) <= 74


def test_feeds_come_in_two_kinds_and_the_archive_by_day() -> None:
    assert LINKS.feed("ada").endswith(".atom")
    assert LINKS.feed("ada", "json").endswith(".json")
    assert LINKS.archive(NOW.date()) == "https://papers.example.org/archive/2026-11-23"
    assert LINKS.archive() == "https://papers.example.org/archive"
    assert LINKS.page() == "https://papers.example.org/"
    assert LINKS.page("/help me") == "https://papers.example.org/help%20me"


def test_verdict_links_name_the_paper_and_the_verdict() -> None:
    for link, extra in ((LINKS.more, "+doi:10.1101/x|y"), (LINKS.less, "-doi:10.1101/x|y")):
        url = link("ada", "doi:10.1101/x|y")
        token = url.removeprefix("https://papers.example.org/v/")
        assert KEYS.verify(Purpose.VERDICT, token, now=NOW).extra == extra


SOON = NOW + timedelta(hours=48)


@pytest.mark.parametrize(
    ("url", "claim"),
    [
        (LINKS.confirm("ada", expires=SOON), Claim(Purpose.CONFIRM, "ada", "", SOON)),
        (LINKS.confirm("ada", expires=SOON, extra="a@b.c"), Claim(Purpose.CONFIRM, "ada", "a@b.c", SOON)),
        (LINKS.unsubscribe("ada"), Claim(Purpose.UNSUBSCRIBE, "ada")),
        (LINKS.preferences("ada"), Claim(Purpose.PREFERENCES, "ada")),
        (LINKS.more("ada", "doi:10.1/x"), Claim(Purpose.VERDICT, "ada", "+doi:10.1/x")),
        (LINKS.opening("ada", "doi:10.1/x"), Claim(Purpose.OPENING, "ada", "doi:10.1/x")),
        (LINKS.edition("ada", date(2026, 11, 22)), Claim(Purpose.EDITION, "ada", "2026-11-22")),
    ],
)
def test_every_link_says_in_its_path_what_it_may_and_claims_just_that(url: str, claim: Claim) -> None:
    base, place, token = url.rsplit("/", 2)
    assert (base, place) == ("https://papers.example.org", claim.purpose.value)
    assert KEYS.verify(claim.purpose, token, now=NOW) == claim


def test_a_token_without_more_to_say_claims_a_reader_and_no_more() -> None:
    assert KEYS.verify(Purpose.FEED, KEYS.sign(Purpose.FEED, "ada"), now=NOW) == Claim(Purpose.FEED, "ada")


@pytest.mark.parametrize("extra", [*("é" + "a" * length for length in range(9)), "aaW"])
def test_an_extra_of_any_length_is_read_back(extra: str) -> None:
    assert KEYS.verify(Purpose.FEED, KEYS.sign(Purpose.FEED, "ada", extra), now=NOW).extra == extra


@given(purposes, pids, extras)
def test_a_token_is_written_in_letters_that_no_url_has_to_escape(
    purpose: Purpose, pid: str, extra: str
) -> None:
    token = KEYS.sign(purpose, pid, extra, expires=SOON)
    assert set(token) <= {*LETTERS, "."}


@given(pids, extras.filter(bool))
def test_links_that_are_sealed_by_the_thousand_are_those_that_are_signed_one_by_one(
    pid: str, extra: str
) -> None:
    def seal(purpose: Purpose, said: str) -> str:
        return KEYS.sealer(purpose, pid)(packed(said).encode()).decode()

    opening = LINKS.opening_form(packed(extra), pid=pid, seal=seal(Purpose.OPENING, extra))
    assert opening == LINKS.opening(pid, extra)
    more = LINKS.verdict_form(packed(f"+{extra}"), pid=pid, seal=seal(Purpose.VERDICT, f"+{extra}"))
    assert more == LINKS.more(pid, extra)


def test_a_token_with_half_a_letter_is_refused_like_any_other() -> None:
    token = KEYS.sign(Purpose.FEED, "ada")
    for torn in (token.replace("ada", "\ud800"), token[:-1] + "\ud800"):
        with pytest.raises(InvalidToken):
            KEYS.verify(Purpose.FEED, torn, now=NOW)
