"""Each work is kept once, whoever announces it, how often and in which order."""

import itertools
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database, Transaction
from digest.db.papers.repository import Added
from digest.db.tables import ALIAS, PAPER
from digest.models import Announcement, Paper, SignalKind
from digest.models.paper_ids import keys_of, title_key
from tests.factories import NOW, paper, signal

DAY = timedelta(days=1)


def announcements(number: int) -> tuple[Paper, ...]:
    """The ways in which one work may be announced."""
    title = f"A Long Enough Title About Subject {'ABCDEF'[number]}"
    first = paper(title, id=f"arxiv:2611.{number:05d}", authors=(f"Ann Author{number}",), first_seen=None)
    doi = f"doi:10.1000/work.{number}"
    named = title_key(first.title, first.authors, 2026)
    assert named
    return (
        replace(first, source="arxiv"),
        replace(first, source="huggingface", listed=NOW.date(), code_url="https://code.example/x", url=""),
        replace(first, source="arxiv", version=2, abstract="Better now.", announcement=Announcement.REPLACE),
        replace(first, source="arxiv", categories=("cs.LG", "stat.ML"), announcement=Announcement.CROSS),
        replace(first, aliases=(doi,), source="arxiv-oai"),
        replace(first, id=doi, source="journal", url=f"https://doi.org/10.1000/work.{number}"),
        replace(first, id=named, source="feed", url=f"https://feed.example/{number}"),
    )


# A title alone is a guess: where it fits both a DOI and an arXiv id that nothing connects, it joins what is
# known by then. So a work of this universe is announced by its title or by its DOI, not by both.
UNIVERSE = [one for number in range(2) for one in announcements(number)[:6]]
UNIVERSE += [one for number in range(2, 4) for one in (*announcements(number)[:4], announcements(number)[6])]
BATCHES = st.lists(st.lists(st.sampled_from(UNIVERSE), max_size=8), max_size=5)


def content(tx: Transaction) -> tuple[dict[str, Paper], set[tuple[str, str]]]:
    names = dict(tx.connection.execute(PAPER.select().with_only_columns(PAPER.c.number, PAPER.c.id)).all())
    aliases = {(key, names[number]) for key, number in tx.connection.execute(ALIAS.select())}
    return tx.papers.by_ids([*names.values()]), aliases


def after(store: Database, *batches: list[Paper]) -> tuple[dict[str, Paper], set[tuple[str, str]]]:
    with store.begin(keep=False) as tx:
        for batch in batches:
            tx.papers.add(batch, seen_at=NOW)
        return content(tx)


@given(batches=BATCHES, random=st.randoms(use_true_random=False))
def test_twice_in_pieces_or_in_any_order_gives_the_same_store(
    any_store: Database, batches: list[list[Paper]], random: object
) -> None:
    together = [one for batch in batches for one in batch]
    shuffled = [*together]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected = after(any_store, together)
    assert after(any_store, *batches) == expected, "in other batches"
    assert after(any_store, *([one] for one in together)) == expected
    assert after(any_store, shuffled) == expected
    assert after(any_store, *batches, shuffled) == expected


def test_nothing_new_is_found_in_what_was_added_before(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.papers.add(UNIVERSE, seen_at=NOW)
        again = tx.papers.add(UNIVERSE, seen_at=NOW + DAY)
        assert again == Added(unchanged=4, renamed=again.renamed)
        assert tx.papers.count() == 4
        assert {one.first_seen for one in content(tx)[0].values()} == {NOW}


def test_any_key_leads_to_the_paper(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.papers.add(announcements(0), seen_at=NOW)
        forms = [
            "arxiv:2611.00000", "https://arxiv.org/abs/2611.00000v3", "2611.00000", "10.1000/work.0",
            *keys_of(announcements(0)[6]),
        ]  # fmt: skip
        found = tx.papers.by_ids([*forms, "arxiv:2601.99999"])
        assert [*found] == forms
        assert {one.id for one in found.values()} == {"arxiv:2611.00000"}


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=str)
def test_two_works_turn_out_to_be_one_and_keep_what_hung_on_them(
    any_store: Database, order: tuple[int, ...]
) -> None:
    arxiv, doi = announcements(0)[0], replace(announcements(0)[5], title="Another Title of the Same Length")
    link = replace(arxiv, aliases=(doi.id,))
    steps = [arxiv, doi, link]
    with any_store.begin() as tx:
        told = Added()
        for place in order:
            told = tx.papers.add([steps[place]], seen_at=NOW)
            known = tx.papers.by_ids([steps[place].id])[steps[place].id]
            hours = float(place)
            tx.signals.observe([signal(known, 10 + place, hours_ago=hours)])
        assert tx.papers.count() == 1
        kept = tx.signals.of([doi.id], until=NOW)[doi.id]
        assert [one.value for one in kept] == [12, 11, 10]
        assert {one.paper_id for one in kept} == {arxiv.id}
        if steps[order[-1]] is doi:
            assert told.renamed == {doi.id: arxiv.id}


def test_two_arxiv_papers_never_become_one(any_store: Database) -> None:
    one, other = (paper("The Very Same Title of Two Papers", authors=("Ann Author",)) for _ in range(2))
    shared = ("doi:10.1000/shared",)
    with any_store.begin() as tx:
        tx.papers.add([replace(one, aliases=shared)], seen_at=NOW)
        tx.papers.add([replace(other, aliases=shared), one], seen_at=NOW)
        tx.papers.add([replace(paper("The Very Same Title of Two Papers"), id=shared[0])], seen_at=NOW)
        assert {*tx.papers.by_ids([one.id, other.id])} == {one.id, other.id}
        assert tx.papers.count() == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sets(st.sampled_from(("doi:10.1000/a", "doi:10.1000/b")))), max_size=8
    )
)
def test_every_arxiv_id_stays_a_paper_of_its_own(store: Database, seen: list[tuple[int, set[str]]]) -> None:
    batch = [
        replace(
            paper("One Title That All of Them Have", id=f"arxiv:2611.{n:05d}"), aliases=tuple(sorted(dois))
        )
        for n, dois in seen
    ]
    ids = {one.id for one in batch}
    with store.begin(keep=False) as tx:
        tx.papers.add(batch[::2], seen_at=NOW)
        tx.papers.add(batch, seen_at=NOW)
        assert {given: found.id for given, found in tx.papers.by_ids(ids).items()} == {
            one: one for one in ids
        }
        assert tx.papers.count() == len(ids)


def test_a_new_version_updates_the_text_and_not_the_day(any_store: Database) -> None:
    first, second = announcements(0)[0], announcements(0)[2]
    with any_store.begin() as tx:
        assert tx.papers.add([first], seen_at=NOW).new == (first.id,)
        assert tx.papers.add([second], seen_at=NOW + DAY).updated == (first.id,)
        stored = tx.papers.by_ids([first.id])[first.id]
        assert (stored.version, stored.abstract, stored.first_seen) == (2, "Better now.", NOW)
        assert stored.announcement is Announcement.NEW


def test_every_field_of_a_paper_comes_back(any_store: Database) -> None:
    full = Paper(
        id="doi:10.1000/full", title="Ünïcödé ☃ 論文", abstract="a\nb", url="https://x.example",
        published=NOW - DAY, authors=("Zoë Å", "李"), categories=("cs.LG",),
        version=3, aliases=("doi:10.1/b",),
        announcement=Announcement.CROSS, source="journal", text_from="a", authors_from="b", summary="s",
        keywords=("k",), pdf_url="p", code_url="c", project_url="j", discussion_url="d", organization="o",
        submitter="u", listed=NOW.date(), withdrawn=True, first_seen=NOW, retold="r",
    )  # fmt: skip
    blank = Paper(id="x", title="y")
    untouched = [f.name for f in fields(Paper) if getattr(full, f.name) == getattr(blank, f.name)]
    assert untouched == [], "a new field needs a column and a value here"
    with any_store.begin() as tx:
        tx.papers.add([full], seen_at=NOW)
    with any_store.begin(write=False) as tx:
        assert tx.papers.by_ids([full.id])[full.id] == full


def test_the_pool_holds_what_is_news_at_that_moment(any_store: Database) -> None:
    since = NOW - 7 * DAY
    fresh, old, late = paper("Fresh"), paper("Old"), paper("Late")
    listed = replace(paper("Old but listed"), listed=NOW.date())
    withdrawn = replace(paper("Withdrawn"), withdrawn=True)
    revised = replace(
        paper("Revised", id="arxiv:2301.00001"), announcement=Announcement.REPLACE, published=NOW - 900 * DAY
    )
    crossed = replace(
        paper("Crossed", id="arxiv:2611.77777"), announcement=Announcement.CROSS, published=None
    )
    ancient = replace(crossed, id="arxiv:2402.77777", title="Ancient")
    with any_store.begin() as tx:
        tx.papers.add([old, listed], seen_at=NOW - 30 * DAY)
        tx.papers.add([fresh, withdrawn, revised, crossed, ancient], seen_at=NOW - DAY)
        tx.papers.add([late], seen_at=NOW + timedelta(hours=1))
        titles = {one.title for one in tx.papers.pool(since, NOW)}
        assert titles == {"Fresh", "Old but listed", "Crossed"}
        assert [one.title for one in tx.papers.background(2, before=since)] == ["Old but listed", "Old"]


def test_an_empty_batch_is_fine(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert tx.papers.add([], seen_at=NOW) == Added()
        assert tx.papers.by_ids([]) == {}
        assert tx.signals.observe([]) == 0
        assert tx.signals.finals("huggingface", SignalKind.UPVOTES, since=NOW.date()) == ()


def test_naive_moments_are_refused(any_store: Database) -> None:
    with pytest.raises(Exception, match="timezone"), any_store.begin() as tx:
        tx.papers.add([paper()], seen_at=datetime(2026, 11, 23, 9))  # noqa: DTZ001  the fault under test
    assert NOW.tzinfo is UTC
