"""Bulk rendering: the same bytes as rendering every mail in full."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.bulk_renderer import BulkRenderer, SimpleRenderer
from digest.mail.links import Links
from digest.mail.locale import LANGUAGES
from digest.mail.renderer import Renderer
from digest.models import (
    Edition,
    Frequency,
    Heat,
    Pick,
    Preferences,
    Reason,
    ReasonKind,
    Schedule,
    Section,
    Subscriber,
)
from tests.factories import make_paper
from tests.mail.examples import LINKS, READER, RENDERER, SITE, make_edition, make_picks, make_reader

SIMPLE = SimpleRenderer(RENDERER)
texts = st.text(max_size=40)
reasons = st.builds(
    Reason,
    because=st.sampled_from(ReasonKind),
    terms=st.lists(texts, max_size=4).map(tuple),
    liked_title=texts,
    author=texts,
    category=texts,
    facet=texts,
)
heats = st.builds(
    Heat,
    value=st.just(1.0),
    expected=st.floats(0, 500),
    votes=st.none() | st.integers(0, 999).map(float),
    hours=st.none() | st.floats(0, 60),
    gained=st.none() | st.floats(0, 60),
)
pick_lists = st.lists(
    st.builds(
        Pick,
        paper=st.builds(make_paper, texts, id=texts.map("x:{}".format), abstract=texts),
        section=st.sampled_from(Section),
        heat=heats,
        reason=reasons,
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda pick: pick.paper.id,
)


@given(
    pick_lists,
    st.sampled_from(LANGUAGES),
    st.sampled_from([(), ("first",), ("votes-missing", "nonsense")]),
    st.sampled_from((Preferences(), Preferences(clicks_may_teach=True))),
)
@settings(max_examples=40, deadline=None)
def test_any_edition_is_rendered_to_the_same_bytes_in_bulk(
    picks: list[Pick], language: str, notes: tuple[str, ...], preferences: Preferences
) -> None:
    reader = replace(make_reader(language), preferences=replace(preferences, language=language))
    edition = make_edition(reader=reader, picks=picks, notes=notes)
    bulk = BulkRenderer(RENDERER)
    raw = bulk.render_digest(edition)
    assert raw == bulk.render_digest(edition) == SIMPLE.render_digest(edition)
    assert b"\n." not in raw  # the sender relies on it and does no dot-stuffing


def make_readers() -> list[Subscriber]:
    weekly = Schedule(frequency=Frequency.WEEKLY)
    return [
        READER,
        replace(READER, id=2, public_id="another-reader_with-a-longer-name", address="bo@example.net"),
        replace(READER, id=3, public_id="x", address="josé@bücher.example", schedule=weekly),
        *map(make_reader, LANGUAGES),
    ]


@pytest.mark.parametrize("reader", make_readers())
def test_many_readers_get_their_own_mails_from_one_renderer(reader: Subscriber) -> None:
    bulk = BulkRenderer(RENDERER)
    bulk.render_digest(make_edition(reader=READER))
    for number in (1, 3, 4, 9, 19):
        edition = make_edition(reader=reader, picks=make_picks()[:number])
        assert bulk.render_digest(edition) == SIMPLE.render_digest(edition)


def test_empty_day_is_rendered_in_full() -> None:
    raw = BulkRenderer(RENDERER).render_digest(make_edition(picks=()))
    assert raw == SIMPLE.render_digest(make_edition(picks=()))
    assert b"\r\nSubject: Nothing new for you on Monday\r\n" in raw


def make_many_picks() -> list[Pick]:
    return [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"))
        for n in range(6)
        for pick in make_picks()
    ]


def is_trimmed(raw: bytes) -> bool:
    return b"Shortened so that" in raw


def test_large_mail_is_trimmed_in_the_same_way() -> None:
    raw = BulkRenderer(RENDERER).render_digest(make_edition(picks=make_many_picks()))
    assert raw == SIMPLE.render_digest(make_edition(picks=make_many_picks()))
    assert is_trimmed(raw)


def test_bulk_trims_the_same_mails_on_both_sides_of_the_limit() -> None:
    all_picks, bulk = make_many_picks(), BulkRenderer(RENDERER)
    low, high, outcomes = 0, len(all_picks), set()
    while high - low > 1:
        middle = (low + high) // 2
        edition = make_edition(picks=all_picks[:middle])
        raw = bulk.render_digest(edition)
        assert raw == SIMPLE.render_digest(edition)
        outcomes.add(is_trimmed(raw))
        low, high = (low, middle) if is_trimmed(raw) else (middle, high)
    assert outcomes == {True, False}


def test_no_more_cards_than_max_cards_are_kept() -> None:
    bulk = BulkRenderer(RENDERER, max_cards=5)
    for pick in make_picks():
        bulk.render_digest(make_edition(picks=[pick]))
        assert len(bulk._cards) <= 5
    assert (
        bulk.render_digest(make_edition())
        == bulk.render_digest(make_edition())
        == SIMPLE.render_digest(make_edition())
    )
    assert len(bulk._cards) <= 5


@pytest.mark.parametrize("picks", [None, ()])
def test_given_message_id_is_used(picks: tuple[Pick, ...] | None) -> None:
    edition, message_id = make_edition(picks=picks), "<d.1@papers.example.org>"
    raw = BulkRenderer(RENDERER).render_digest(edition, message_id=message_id)
    assert raw == SIMPLE.render_digest(edition, message_id=message_id)
    assert f"\r\nMessage-ID: {message_id}\r\n".encode() in raw


def test_numbers_follow_the_order_of_each_edition() -> None:
    bulk = BulkRenderer(RENDERER)
    for picks in (make_picks()[:3], make_picks()[2::-1]):
        edition = make_edition(picks=picks)
        assert bulk.render_digest(edition) == SIMPLE.render_digest(edition)


def test_public_id_that_occurs_in_the_base_url_does_not_disturb_the_links() -> None:
    links = Links(f"https://papers.{READER.public_id}.example.org", LINKS.keys)
    renderer = Renderer(SITE, links)
    bulk = BulkRenderer(renderer)
    for reader in (READER, replace(READER, public_id="reader0002")):
        edition = make_edition(reader=reader)
        assert bulk.render_digest(edition) == SimpleRenderer(renderer).render_digest(edition)


def test_readers_of_the_same_paper_get_their_own_reasons() -> None:
    bulk = BulkRenderer(RENDERER)
    bulk.render_digest(make_edition())
    pick = replace(make_picks()[3], reason=Reason(because=ReasonKind.AUTHOR, author="Lena Vogt"))
    edition = make_edition(picks=[pick])
    assert b"Lena Vogt, whom you follow" in bulk.render_digest(edition)
    assert bulk.render_digest(edition) == SIMPLE.render_digest(edition)


def test_new_votes_and_a_new_day_are_not_served_from_cached_cards() -> None:
    bulk = BulkRenderer(RENDERER)
    bulk.render_digest(make_edition())
    hotter = replace(make_picks()[0], heat=replace(make_picks()[0].heat, votes=1234))
    edition = make_edition(picks=[hotter, *make_picks()[1:]])
    assert bulk.render_digest(edition) == SIMPLE.render_digest(edition)
    tomorrow: Edition = replace(edition, day=edition.day + timedelta(days=1))
    assert bulk.render_digest(tomorrow) == SIMPLE.render_digest(tomorrow)


def test_operators_subject_template_is_used_by_both_renderers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("overrides")
    (folder / "digest").mkdir()
    (folder / "digest" / "subject.txt").write_text("[papers] {{ page.subject }}\n")
    renderer = Renderer(SITE, LINKS, folder)
    raw = BulkRenderer(renderer).render_digest(make_edition())
    assert b"\r\nSubject: [papers] Diffusion" in raw
    assert raw == SimpleRenderer(renderer).render_digest(make_edition())
