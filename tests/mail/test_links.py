"""Links: every URL of a mail, with a token that claims exactly what the link may do."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.links import Links
from digest.mail.tokens import Claim, Keys, Purpose, decode_paper_id, encode_paper_id
from digest.models.errors import InvalidToken
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


def test_links_of_a_paper_have_one_token_a_reader_and_name_the_paper_after_it() -> None:
    for paper, name in (("arxiv:2611.00001", "2611.00001"), ("doi:10.1101/x|y", "mrxwsorrgaxdcmjqgexxq7dz")):
        token = KEYS.sign(Purpose.FEEDBACK, "ada")
        assert LINKS.more_url("ada", paper).startswith(f"https://papers.example.org/v/{token}/m/{name}")
        assert LINKS.less_url("ada", paper).startswith(f"https://papers.example.org/v/{token}/l/{name}")
        opening = KEYS.sign(Purpose.OPENING, "ada")
        assert LINKS.opening_url("ada", paper).startswith(f"https://papers.example.org/o/{opening}/{name}")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.from_regex(r"arxiv:[\d.v]{1,12}"))
def test_name_of_a_paper_in_a_link_reads_back_in_any_case(paper_id: str) -> None:
    name = encode_paper_id(paper_id)
    assert decode_paper_id(name) == decode_paper_id(name.upper()) == paper_id
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.")


@pytest.mark.parametrize("name", ["a", "!!", "é", "7777777"])
def test_nonsense_is_no_name_of_a_paper(name: str) -> None:
    with pytest.raises(InvalidToken):
        decode_paper_id(name)


@pytest.mark.parametrize(
    ("url", "claim"),
    [
        (LINKS.confirm_url("ada", expires=SOON), Claim(Purpose.CONFIRM, "ada", "", SOON)),
        (LINKS.confirm_url("ada", expires=SOON, extra="a@b.c"), Claim(Purpose.CONFIRM, "ada", "a@b.c", SOON)),
        (LINKS.unsubscribe_url("ada"), Claim(Purpose.UNSUBSCRIBE, "ada")),
        (LINKS.preferences_url("ada"), Claim(Purpose.PREFERENCES, "ada")),
        (LINKS.edition_url("ada", date(2026, 11, 22)), Claim(Purpose.EDITION, "ada", "2026-11-22")),
    ],
)
def test_link_has_its_purpose_in_the_path_and_claims_nothing_else(url: str, claim: Claim) -> None:
    base, purpose, token = url.rsplit("/", 2)
    assert (base, purpose) == ("https://papers.example.org", claim.purpose.value)
    assert KEYS.verify(claim.purpose, token, now=NOW) == claim
