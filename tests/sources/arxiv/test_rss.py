"""What did arXiv announce today? Claims about its feeds."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.models import Announcement, Health
from digest.models.errors import SourceChanged
from digest.sources.arxiv.rss import authors_of, culprit, error_in, parse
from tests.factories import NOW

Replay = Callable[[str], bytes]


def test_a_feed_is_read_down_to_its_last_field(replay: Replay) -> None:
    reading = parse(replay("arxiv_rss/rss.xml"), "cs.CL+cs.RO", NOW)
    sheep = reading.papers[0]
    assert (reading.health, reading.note, len(reading.papers)) == (Health.OK, "", 4)
    assert sheep.id == "arxiv:2611.12001"
    assert sheep.title == "Counting Sheep with O(√n) Fences: A Naïve Approach"
    assert sheep.abstract.startswith("We count n sheep with 5% fewer fences & sleep well. Earlier")
    assert sheep.abstract.endswith("used $10 million of fences.")
    assert sheep.authors == ("Ada Loveless", "Nikola Pižamar", "Deepa", "Sammy Nap Jr.", "Hendrik Schläfer")
    assert sheep.categories == ("cs.CL", "cs.LG")
    assert sheep.aliases == ("doi:10.5555/sheep.2026.7",)
    assert sheep.published == datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert (sheep.url, sheep.version, sheep.source) == ("https://arxiv.org/abs/2611.12001", 1, "arxiv")


def test_atom_says_the_same_as_rss(replay: Replay) -> None:
    rss = parse(replay("arxiv_rss/rss.xml"), "cs.CL", NOW).papers[0]
    atom = parse(replay("arxiv_rss/atom.xml"), "cs.CL", NOW).papers[0]
    assert (atom.id, atom.title, atom.categories) == (rss.id, rss.title, rss.categories)
    assert (atom.published, atom.announcement) == (rss.published, rss.announcement)


def test_a_paper_may_be_called_0(replay: Replay) -> None:
    nothing = parse(replay("arxiv_rss/rss.xml"), "cs.RO", NOW).papers[1]
    assert (nothing.title, nothing.announcement) == ("0", Announcement.CROSS)


def test_only_a_recent_paper_is_news_by_being_cross_listed(replay: Replay) -> None:
    old = parse(replay("arxiv_rss/rss.xml"), "cs.RO", NOW).papers[2]
    assert old.announcement is Announcement.REPLACE_CROSS
    assert old.published == datetime(2019, 3, 1, tzinfo=UTC)


def test_a_withdrawn_replacement_is_marked(replay: Replay) -> None:
    grippers = parse(replay("arxiv_rss/rss.xml"), "cs.RO", NOW).papers[3]
    assert (grippers.version, grippers.announcement) == (3, Announcement.REPLACE)
    assert grippers.withdrawn


def test_a_weekend_feed_is_simply_empty(replay: Replay) -> None:
    reading = parse(replay("arxiv_rss/weekend.xml"), "cs.CL", NOW)
    assert (reading.papers, reading.health) == ((), Health.OK)


def test_a_feed_that_breaks_off_keeps_its_complete_papers_and_says_so(replay: Replay) -> None:
    body = replay("arxiv_rss/rss.xml")
    reading = parse(body[: body.index(b"An Old Robot")], "cs.RO", NOW)
    assert [paper.title for paper in reading.papers][1:] == ["0"]
    assert reading.health is Health.TRUNCATED
    assert reading.note == "The feed broke off after 2 papers."


def test_an_item_without_an_id_is_skipped_and_counted(replay: Replay) -> None:
    body = replay("arxiv_rss/rss.xml").replace(b"oai:arXiv.org:2611.12001v1", b"a mystery")
    reading = parse(body, "cs.RO", NOW)
    assert (len(reading.papers), reading.note) == (3, "1 of 4 items could not be read.")


def test_the_error_feed_is_told_in_its_own_words(replay: Replay) -> None:
    body = replay("arxiv_rss/error.xml")
    assert error_in(body).startswith("Bad subject class 'ZZ'.")
    assert culprit(error_in(body), ["cs.CL", "cs.ZZ"]) == "cs.ZZ"
    assert culprit("Bad archive 'sheep'. Valid archives are: cs", ["cs.CL", "sheep.X"]) == "sheep.X"
    assert culprit("Something else", ["cs.CL"]) is None
    assert error_in(b"<html>") == error_in(replay("arxiv_rss/rss.xml")) == ""
    with pytest.raises(SourceChanged, match="Bad subject class"):
        parse(body, "cs.ZZ", NOW)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Down</body></html>",
        b"not xml",
        b"<rss><channel><item><title>cut",
        b'<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><rss><channel><item>&b;</item></channel></rss>',
        b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><title>&x;</title></rss>',
    ],
)
def test_what_is_no_feed_is_a_change_and_never_a_crash(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "cs.CL", NOW)


def test_names_are_split_where_people_end() -> None:
    assert authors_of("") == ()
    assert authors_of("Ada L,  Bo C") == ("Ada L", "Bo C")
    assert authors_of("Ada L (Univ, (City)), Bo C and Carol D") == ("Ada L", "Bo C", "Carol D")
    assert authors_of("Ferdinand Brandt, Sammy Davis, Jr") == ("Ferdinand Brandt", "Sammy Davis Jr")
