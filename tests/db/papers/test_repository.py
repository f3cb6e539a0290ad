"""Papers: each work stored once whatever the source and order, lookup by key, candidates."""

import itertools
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.db import Database, Transaction
from digest.db.papers.repository import AddResult
from digest.db.tables import ALIAS, PAPER
from digest.models import Announcement, Paper, SignalKind
from digest.models.paper_ids import build_keys, build_title_key
from tests.factories import NOW, make_paper, make_signal

DAY = timedelta(days=1)


def announcements(number: int) -> tuple[Paper, ...]:
    """Return the different ways in which one work may be announced."""
    title = f"A Long Enough Title About Subject {'ABCDEF'[number]}"
    first = make_paper(
        title, id=f"arxiv:2611.{number:05d}", authors=(f"Ann Author{number}",), first_seen=None
    )
    doi = f"doi:10.1000/work.{number}"
    by_title = build_title_key(first.title, first.authors, 2026)
    assert by_title
    return (
        replace(first, source="arxiv"),
        replace(first, source="huggingface", listed=NOW.date(), code_url="https://code.example/x", url=""),
        replace(first, source="arxiv", version=2, abstract="Better now.", announcement=Announcement.REPLACE),
        replace(first, source="arxiv", categories=("cs.LG", "stat.ML"), announcement=Announcement.CROSS),
        replace(first, aliases=(doi,), source="arxiv-oai"),
        replace(first, id=doi, source="journal", url=f"https://doi.org/10.1000/work.{number}"),
        replace(first, id=by_title, source="feed", url=f"https://feed.example/{number}"),
    )


ANNOUNCED = [paper for number in range(4) for paper in announcements(number)]
BATCHES = st.lists(st.lists(st.sampled_from(ANNOUNCED), max_size=8), max_size=5)


def read_content(tx: Transaction) -> tuple[dict[str, Paper], set[tuple[str, str]]]:
    ids = dict(tx.connection.execute(PAPER.select().with_only_columns(PAPER.c.number, PAPER.c.id)).all())
    aliases = {(key, ids[number]) for key, number in tx.connection.execute(ALIAS.select())}
    return tx.papers.get_by_ids([*ids.values()]), aliases


def add_and_read(database: Database, *batches: list[Paper]) -> tuple[dict[str, Paper], set[tuple[str, str]]]:
    with database.begin(commit=False) as tx:
        for batch in batches:
            tx.papers.add(batch, seen_at=NOW)
        return read_content(tx)


@given(batches=BATCHES, random=st.randoms(use_true_random=False))
def test_adding_twice_in_parts_or_in_any_order_gives_the_same_result(
    any_store: Database, batches: list[list[Paper]], random: object
) -> None:
    together = [paper for batch in batches for paper in batch]
    shuffled = [*together]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected = add_and_read(any_store, together)
    assert add_and_read(any_store, *batches) == expected, "in other batches"
    assert add_and_read(any_store, *([paper] for paper in together)) == expected
    assert add_and_read(any_store, shuffled) == expected
    assert add_and_read(any_store, *batches, shuffled) == expected


def test_adding_the_same_papers_again_changes_nothing(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.papers.add(ANNOUNCED, seen_at=NOW)
        again = tx.papers.add(ANNOUNCED, seen_at=NOW + DAY)
        assert again == AddResult(renamed=again.renamed)
        assert tx.papers.count() == 4
        assert {paper.first_seen for paper in read_content(tx)[0].values()} == {NOW}


def test_get_by_ids_accepts_any_key(any_store: Database) -> None:
    with any_store.begin() as tx:
        tx.papers.add(announcements(0), seen_at=NOW)
        keys = [
            "arxiv:2611.00000", "https://arxiv.org/abs/2611.00000v3", "2611.00000", "10.1000/work.0",
            *build_keys(announcements(0)[6]),
        ]  # fmt: skip
        papers = tx.papers.get_by_ids([*keys, "arxiv:2601.99999"])
        assert [*papers] == keys
        assert {paper.id for paper in papers.values()} == {"arxiv:2611.00000"}


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))], ids=str)
def test_two_works_that_turn_out_to_be_one_are_merged_with_their_signals(
    any_store: Database, order: tuple[int, ...]
) -> None:
    arxiv, doi = announcements(0)[0], replace(announcements(0)[5], title="Another Title of the Same Length")
    link = replace(arxiv, aliases=(doi.id,))
    steps = [arxiv, doi, link]
    with any_store.begin() as tx:
        result = AddResult()
        for index in order:
            result = tx.papers.add([steps[index]], seen_at=NOW)
            stored = tx.papers.get_by_ids([steps[index].id])[steps[index].id]
            hours = float(index)
            tx.signals.add([make_signal(stored, 10 + index, hours_ago=hours)])
        assert tx.papers.count() == 1
        signals = tx.signals.get_until([doi.id], until=NOW)[doi.id]
        assert [signal.value for signal in signals] == [12, 11, 10]
        assert {signal.paper_id for signal in signals} == {arxiv.id}
        if steps[order[-1]] is doi:
            assert result.renamed == {doi.id: arxiv.id}


def test_two_arxiv_papers_never_become_one(any_store: Database) -> None:
    first, second = (
        make_paper("The Very Same Title of Two Papers", authors=("Ann Author",)) for _ in range(2)
    )
    shared = ("doi:10.1000/shared",)
    with any_store.begin() as tx:
        tx.papers.add([replace(first, aliases=shared)], seen_at=NOW)
        tx.papers.add([replace(second, aliases=shared), first], seen_at=NOW)
        tx.papers.add([replace(make_paper("The Very Same Title of Two Papers"), id=shared[0])], seen_at=NOW)
        assert {*tx.papers.get_by_ids([first.id, second.id])} == {first.id, second.id}
        assert tx.papers.count() == 2


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sets(st.sampled_from(("doi:10.1000/a", "doi:10.1000/b")))), max_size=8
    )
)
def test_every_arxiv_id_is_a_paper_of_its_own(store: Database, announced: list[tuple[int, set[str]]]) -> None:
    batch = [
        replace(
            make_paper("One Title That All of Them Have", id=f"arxiv:2611.{n:05d}"),
            aliases=tuple(sorted(dois)),
        )
        for n, dois in announced
    ]
    ids = {paper.id for paper in batch}
    with store.begin(commit=False) as tx:
        tx.papers.add(batch[::2], seen_at=NOW)
        tx.papers.add(batch, seen_at=NOW)
        papers = tx.papers.get_by_ids(ids)
        assert {id_: paper.id for id_, paper in papers.items()} == {id_: id_ for id_ in ids}
        assert tx.papers.count() == len(ids)


@pytest.mark.parametrize(
    ("preprint", "journal", "are_one"),
    [
        ({"id": "arxiv:2611.00001"}, {"id": "doi:10.5555/j.1"}, True),
        ({"id": "doi:10.64898/2026.11.20.1"}, {"id": "doi:10.5555/j.1", "aliases": ("pmid:7",)}, True),
        ({"id": "openreview:aB-cD_1234"}, {"id": "arxiv:2611.00001"}, True),
        ({"id": "doi:10.5555/j.1"}, {"id": "pmid:7"}, True),
        ({"id": "arxiv:2611.00001", "aliases": ("doi:10.5555/j.1",)}, {"id": "doi:10.5555/j.2"}, False),
        ({"id": "doi:10.5555/j.1"}, {"id": "doi:10.5555/j.2"}, False),
        ({"id": "arxiv:2611.00001"}, {"id": "doi:10.5555/j.1", "published": NOW - 900 * DAY}, False),
        ({"id": "arxiv:2611.00001"}, {"id": "doi:10.5555/j.1", "authors": ("Bo Other",)}, False),
        ({"id": "arxiv:2611.00001", "authors": ()}, {"id": "doi:10.5555/j.1", "authors": ()}, False),
    ],
)
def test_a_preprint_and_its_journal_version_are_one_paper(
    store: Database, preprint: dict[str, object], journal: dict[str, object], *, are_one: bool
) -> None:
    first = make_paper("A Title That Both Versions of It Have", authors=("Ann Author",))
    versions = [replace(first, **preprint), replace(first, **journal)]  # type: ignore[arg-type]
    for order in (versions, versions[::-1]):
        with store.begin(commit=False) as tx:
            for paper in order:
                tx.papers.add([paper], seen_at=NOW)
            assert tx.papers.count() == (1 if are_one else 2)


def test_a_new_version_updates_the_text_and_not_the_day(any_store: Database) -> None:
    first, second = announcements(0)[0], announcements(0)[2]
    with any_store.begin() as tx:
        assert tx.papers.add([first], seen_at=NOW).new == (first.id,)
        assert tx.papers.add([second], seen_at=NOW + DAY).updated == (first.id,)
        stored = tx.papers.get_by_ids([first.id])[first.id]
        assert (stored.version, stored.abstract, stored.first_seen) == (2, "Better now.", NOW)
        assert stored.announcement is Announcement.NEW


def test_a_paper_is_stored_with_all_fields(any_store: Database) -> None:
    full = Paper(
        id="doi:10.1000/full", title="Ünïcödé ☃ 論文", abstract="a\nb", url="https://x.example",
        published=NOW - DAY, authors=("Zoë Å", "李"), categories=("cs.LG",),
        version=3, aliases=("doi:10.1/b",),
        announcement=Announcement.CROSS, source="journal", text_from="a", authors_from="b", summary="s",
        keywords=("k",), pdf_url="p", code_url="c", project_url="j", discussion_url="d", organization="o",
        submitter="u", listed=NOW.date(), withdrawn=True, first_seen=NOW, retold="r",
    )  # fmt: skip
    blank = Paper(id="x", title="y")
    unset = [f.name for f in fields(Paper) if getattr(full, f.name) == getattr(blank, f.name)]
    assert unset == [], "a new field needs a column and a value here"
    with any_store.begin() as tx:
        tx.papers.add([full], seen_at=NOW)
    with any_store.begin(write=False) as tx:
        assert tx.papers.get_by_ids([full.id])[full.id] == full


def test_list_candidates_returns_what_is_new_at_that_time(any_store: Database) -> None:
    since = NOW - 7 * DAY
    fresh, old, late = make_paper("Fresh"), make_paper("Old"), make_paper("Late")
    listed = replace(make_paper("Old but listed"), listed=NOW.date())
    withdrawn = replace(make_paper("Withdrawn"), withdrawn=True)
    revised = replace(
        make_paper("Revised", id="arxiv:2301.00001"),
        announcement=Announcement.REPLACE,
        published=NOW - 900 * DAY,
    )
    crossed = replace(
        make_paper("Crossed", id="arxiv:2611.77777"), announcement=Announcement.CROSS, published=None
    )
    ancient = replace(crossed, id="arxiv:2402.77777", title="Ancient")
    with any_store.begin() as tx:
        tx.papers.add([old, listed], seen_at=NOW - 30 * DAY)
        tx.papers.add([fresh, withdrawn, revised, crossed, ancient], seen_at=NOW - DAY)
        tx.papers.add([late], seen_at=NOW + timedelta(hours=1))
        titles = {paper.title for paper in tx.papers.list_candidates(since, NOW)}
        assert titles == {"Fresh", "Old but listed", "Crossed"}
        assert [paper.title for paper in tx.papers.list_background(2, before=since)] == [
            "Old but listed",
            "Old",
        ]


def test_empty_arguments_are_accepted(any_store: Database) -> None:
    with any_store.begin() as tx:
        assert tx.papers.add([], seen_at=NOW) == AddResult()
        assert tx.papers.get_by_ids([]) == {}
        assert tx.signals.add([]) == 0
        assert tx.signals.list_final_values("huggingface", SignalKind.UPVOTES, since=NOW.date()) == ()


def test_naive_datetimes_are_refused(any_store: Database) -> None:
    with pytest.raises(Exception, match="timezone"), any_store.begin() as tx:
        tx.papers.add([make_paper()], seen_at=datetime(2026, 11, 23, 9))  # noqa: DTZ001  the fault under test
    assert NOW.tzinfo is UTC
