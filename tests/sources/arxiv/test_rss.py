"""Tests of arXiv's RSS and Atom feeds."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from digest.models import Announcement, Health
from digest.models.errors import SourceChanged
from digest.sources.arxiv.rss import find_bad_category, find_error, parse, parse_authors
from tests.factories import NOW

Replay = Callable[[str], bytes]


def test_parse_reads_every_field(replay: Replay) -> None:
    result = parse(replay("arxiv_rss/rss.xml"), "cs.CL+cs.RO", NOW)
    sheep = result.papers[0]
    assert (result.health, result.note, len(result.papers)) == (Health.OK, "", 4)
    assert sheep.id == "arxiv:2611.12001"
    assert sheep.title == "Counting Sheep with O(√n) Fences: A Naïve Approach"
    assert sheep.abstract.startswith("We count n sheep with 5% fewer fences & sleep well. Earlier")
    assert sheep.abstract.endswith("used $10 million of fences.")
    assert sheep.authors == ("Ada Loveless", "Nikola Pižamar", "Deepa", "Sammy Nap Jr.", "Hendrik Schläfer")
    assert sheep.categories == ("cs.CL", "cs.LG")
    assert sheep.aliases == ("doi:10.5555/sheep.2026.7",)
    assert sheep.published == datetime(2026, 11, 23, 5, tzinfo=UTC)
    assert (sheep.url, sheep.version, sheep.source) == ("https://arxiv.org/abs/2611.12001", 1, "arxiv")


def test_atom_gives_the_same_paper_as_rss(replay: Replay) -> None:
    rss = parse(replay("arxiv_rss/rss.xml"), "cs.CL", NOW).papers[0]
    atom = parse(replay("arxiv_rss/atom.xml"), "cs.CL", NOW).papers[0]
    assert (atom.id, atom.title, atom.categories) == (rss.id, rss.title, rss.categories)
    assert (atom.published, atom.announcement) == (rss.published, rss.announcement)


def test_title_may_be_0(replay: Replay) -> None:
    nothing = parse(replay("arxiv_rss/rss.xml"), "cs.RO", NOW).papers[1]
    assert (nothing.title, nothing.announcement) == ("0", Announcement.CROSS)


def test_cross_listing_of_an_old_paper_is_a_replacement(replay: Replay) -> None:
    old = parse(replay("arxiv_rss/rss.xml"), "cs.RO", NOW).papers[2]
    assert old.announcement is Announcement.REPLACE_CROSS
    assert old.published == datetime(2019, 3, 1, tzinfo=UTC)


def test_withdrawn_replacement_is_marked(replay: Replay) -> None:
    grippers = parse(replay("arxiv_rss/rss.xml"), "cs.RO", NOW).papers[3]
    assert (grippers.version, grippers.announcement) == (3, Announcement.REPLACE)
    assert grippers.withdrawn


def test_weekend_feed_is_empty(replay: Replay) -> None:
    result = parse(replay("arxiv_rss/weekend.xml"), "cs.CL", NOW)
    assert (result.papers, result.health) == ((), Health.OK)


def test_truncated_feed_keeps_its_complete_papers_with_a_note(replay: Replay) -> None:
    body = replay("arxiv_rss/rss.xml")
    result = parse(body[: body.index(b"An Old Robot")], "cs.RO", NOW)
    assert [paper.title for paper in result.papers][1:] == ["0"]
    assert result.health is Health.TRUNCATED
    assert result.note == "The feed broke off after 2 papers."


def test_item_without_an_id_is_skipped_and_counted(replay: Replay) -> None:
    body = replay("arxiv_rss/rss.xml").replace(b"oai:arXiv.org:2611.12001v1", b"a mystery")
    result = parse(body, "cs.RO", NOW)
    assert (len(result.papers), result.note) == (3, "1 of 4 items could not be read.")


def test_error_feed_is_source_changed_with_its_message(replay: Replay) -> None:
    body = replay("arxiv_rss/error.xml")
    assert find_error(body).startswith("Bad subject class 'ZZ'.")
    assert find_bad_category(find_error(body), ["cs.CL", "cs.ZZ"]) == "cs.ZZ"
    assert find_bad_category("Bad archive 'sheep'. Valid archives are: cs", ["cs.CL", "sheep.X"]) == "sheep.X"
    assert find_bad_category("Something else", ["cs.CL"]) is None
    assert find_error(b"<html>") == find_error(replay("arxiv_rss/rss.xml")) == ""
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
def test_other_document_is_source_changed(body: bytes) -> None:
    with pytest.raises(SourceChanged):
        parse(body, "cs.CL", NOW)


def test_parse_authors() -> None:
    assert parse_authors("") == ()
    assert parse_authors("Ada L,  Bo C") == ("Ada L", "Bo C")
    assert parse_authors("Ada L (Univ, (City)), Bo C and Carol D") == ("Ada L", "Bo C", "Carol D")
    assert parse_authors("Ferdinand Brandt, Sammy Davis, Jr") == ("Ferdinand Brandt", "Sammy Davis Jr")
