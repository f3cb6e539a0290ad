"""Links: every URL of a mail, with a token that claims exactly what the link may do."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.links import Links
from digest.mail.tokens import Claim, Keys, Purpose, encode_extra, encode_public_id
from tests.factories import NOW

KEYS = Keys(b"a key for tests only")
LINKS = Links("https://papers.example.org", KEYS)
SOON = NOW + timedelta(hours=48)


def test_links_are_deterministic_so_that_a_preview_equals_the_mail() -> None:
    other = Links("https://papers.example.org", Keys(b"a key for tests only"))
    assert LINKS.more_url("reader0001", "arxiv:2611.00001") == other.more_url(
        "reader0001", "arxiv:2611.00001"
    )
    assert LINKS.more_url("reader0001", "arxiv:2611.00001") != LINKS.less_url(
        "reader0001", "arxiv:2611.00001"
    )


def test_the_unsubscribe_link_is_short_enough_for_any_mailer() -> None:
    assert len(LINKS.unsubscribe_url("k3v9q2m7w4xh")) <= 74


def test_feeds_come_in_two_kinds_and_the_archive_by_day() -> None:
    assert LINKS.feed_url("ada").endswith(".atom")
    assert LINKS.feed_url("ada", "json").endswith(".json")
    assert LINKS.archive_url(NOW.date()) == "https://papers.example.org/archive/2026-11-23"
    assert LINKS.archive_url() == "https://papers.example.org/archive"
    assert LINKS.page_url() == "https://papers.example.org/"
    assert LINKS.page_url("/help me") == "https://papers.example.org/help%20me"


def test_feedback_links_name_the_paper_and_the_feedback() -> None:
    for link, extra in ((LINKS.more_url, "+doi:10.1101/x|y"), (LINKS.less_url, "-doi:10.1101/x|y")):
        url = link("ada", "doi:10.1101/x|y")
        token = url.removeprefix("https://papers.example.org/v/")
        assert KEYS.verify(Purpose.FEEDBACK, token, now=NOW).extra == extra


@pytest.mark.parametrize(
    ("url", "claim"),
    [
        (LINKS.confirm_url("ada", expires=SOON), Claim(Purpose.CONFIRM, "ada", "", SOON)),
        (LINKS.confirm_url("ada", expires=SOON, extra="a@b.c"), Claim(Purpose.CONFIRM, "ada", "a@b.c", SOON)),
        (LINKS.unsubscribe_url("ada"), Claim(Purpose.UNSUBSCRIBE, "ada")),
        (LINKS.preferences_url("ada"), Claim(Purpose.PREFERENCES, "ada")),
        (LINKS.more_url("ada", "doi:10.1/x"), Claim(Purpose.FEEDBACK, "ada", "+doi:10.1/x")),
        (LINKS.opening_url("ada", "doi:10.1/x"), Claim(Purpose.OPENING, "ada", "doi:10.1/x")),
        (LINKS.edition_url("ada", date(2026, 11, 22)), Claim(Purpose.EDITION, "ada", "2026-11-22")),
    ],
)
def test_link_has_its_purpose_in_the_path_and_claims_nothing_else(url: str, claim: Claim) -> None:
    base, purpose, token = url.rsplit("/", 2)
    assert (base, purpose) == ("https://papers.example.org", claim.purpose.value)
    assert KEYS.verify(claim.purpose, token, now=NOW) == claim


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60),
)
def test_links_from_a_mac_function_equal_those_signed_one_by_one(public_id: str, extra: str) -> None:
    def mac(purpose: Purpose, extra: str) -> str:
        return KEYS.build_mac_function(purpose, public_id)(encode_extra(extra).encode()).decode()

    opening = LINKS.format_opening_url(
        encode_extra(extra), public_id=encode_public_id(public_id), mac=mac(Purpose.OPENING, extra)
    )
    assert opening == LINKS.opening_url(public_id, extra)
    more = LINKS.format_feedback_url(
        encode_extra(f"+{extra}"),
        public_id=encode_public_id(public_id),
        mac=mac(Purpose.FEEDBACK, f"+{extra}"),
    )
    assert more == LINKS.more_url(public_id, extra)
