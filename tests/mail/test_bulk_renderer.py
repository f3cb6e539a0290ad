"""Bulk rendering: the same mails as rendering every one in full, but for where encoded lines break."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.bulk_renderer import MAX_HTML_BYTES, BulkRenderer
from digest.mail.links import Links
from digest.mail.locale import LANGUAGES
from digest.mail.renderer import Renderer
from digest.mail.tokens import encode_paper_id
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
from tests.mail.examples import DAY, LINKS, READER, RENDERER, SITE, make_edition, make_picks, make_reader
from tests.mail.full_renderer import FullRenderer, decode

FULL = FullRenderer(RENDERER)
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
def test_any_edition_is_rendered_to_the_same_mail_in_bulk(
    picks: list[Pick], language: str, notes: tuple[str, ...], preferences: Preferences
) -> None:
    reader = replace(make_reader(language), preferences=replace(preferences, language=language))
    edition = make_edition(reader=reader, picks=picks, notes=notes)
    bulk = BulkRenderer(RENDERER)
    raw = bulk.render_digest(edition)
    assert raw == bulk.render_digest(edition)
    assert decode(raw) == decode(FULL.render_digest(edition))


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
        assert decode(bulk.render_digest(edition)) == decode(FULL.render_digest(edition))


def test_empty_day_is_rendered_in_full() -> None:
    raw = BulkRenderer(RENDERER).render_digest(make_edition(picks=()))
    assert raw == FULL.render_digest(make_edition(picks=()))
    assert b"\r\nSubject: Nothing new for you on Monday\r\n" in raw


def make_many_picks() -> list[Pick]:
    return [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"))
        for n in range(6)
        for pick in make_picks()
    ]


def test_large_mail_holds_what_fits_and_says_so() -> None:
    bulk, picks = BulkRenderer(RENDERER), make_many_picks()
    outcomes = set()
    for number in (20, 40, 60, 80, 100):
        edition = make_edition(picks=picks[:number])
        email = bulk.render_email(edition)
        assert len(email.html.encode()) <= MAX_HTML_BYTES
        kept = [pick for pick in picks[:number] if f"/m/{encode_paper_id(pick.paper.id)}" in email.html]
        lines = email.html.count('<h3 class="item"')
        also_new = edition.get_picks(Section.ALSO_NEW)
        kept = [pick for pick in edition.picks if pick in kept or pick in also_new[:lines]]
        is_trimmed = "Shortened so that" in email.html
        outcomes.add(is_trimmed)
        assert is_trimmed is (len(kept) < number)
        notes = ("trimmed",) if is_trimmed else ()
        shown = make_edition(picks=kept, notes=notes)
        assert decode(bulk.render_digest(edition)) == decode(FULL.render_digest(shown))
    assert outcomes == {True, False}


def test_about_max_cards_are_kept() -> None:
    bulk = BulkRenderer(RENDERER, max_cards=5)
    for _ in range(2):
        for pick in make_picks():
            edition = make_edition(picks=[pick])
            assert decode(bulk.render_digest(edition)) == decode(FULL.render_digest(edition))
            assert sum(len(group.cards) for group in bulk._groups.values()) <= 5


def test_cards_of_past_days_are_dropped() -> None:
    bulk = BulkRenderer(RENDERER)
    for number in range(9):
        bulk.render_digest(replace(make_edition(), day=DAY + timedelta(days=number)))
        assert len(bulk._groups) == min(number + 1, 3)


def test_numbers_follow_the_order_of_each_edition() -> None:
    bulk = BulkRenderer(RENDERER)
    for picks in (make_picks()[:3], make_picks()[2::-1]):
        edition = make_edition(picks=picks)
        assert decode(bulk.render_digest(edition)) == decode(FULL.render_digest(edition))


def test_public_id_that_occurs_in_the_base_url_does_not_disturb_the_links() -> None:
    links = Links(f"https://papers.{READER.public_id}.example.org", LINKS.keys)
    renderer = Renderer(SITE, links)
    bulk = BulkRenderer(renderer)
    for reader in (READER, replace(READER, public_id="reader0002")):
        edition = make_edition(reader=reader)
        assert decode(bulk.render_digest(edition)) == decode(FullRenderer(renderer).render_digest(edition))


def test_readers_of_the_same_paper_get_their_own_reasons() -> None:
    bulk = BulkRenderer(RENDERER)
    bulk.render_digest(make_edition())
    pick = replace(make_picks()[3], reason=Reason(because=ReasonKind.AUTHOR, author="Lena Vogt"))
    edition = make_edition(picks=[pick])
    assert b"Lena Vogt, whom you follow" in bulk.render_digest(edition)
    assert decode(bulk.render_digest(edition)) == decode(FULL.render_digest(edition))


def test_new_votes_and_a_new_day_are_not_served_from_cached_cards() -> None:
    bulk = BulkRenderer(RENDERER)
    bulk.render_digest(make_edition())
    hotter = replace(make_picks()[0], heat=replace(make_picks()[0].heat, votes=1234))
    edition = make_edition(picks=[hotter, *make_picks()[1:]])
    assert decode(bulk.render_digest(edition)) == decode(FULL.render_digest(edition))
    tomorrow: Edition = replace(edition, day=edition.day + timedelta(days=1))
    assert decode(bulk.render_digest(tomorrow)) == decode(FULL.render_digest(tomorrow))


def test_operators_subject_template_is_used_by_both_renderers(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("overrides")
    (folder / "digest").mkdir()
    (folder / "digest" / "subject.txt").write_text("[papers] {{ page.subject }}\n")
    renderer = Renderer(SITE, LINKS, folder)
    raw = BulkRenderer(renderer).render_digest(make_edition())
    assert b"\r\nSubject: [papers] Diffusion" in raw
    assert decode(raw) == decode(FullRenderer(renderer).render_digest(make_edition()))


@given(
    st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    st.integers(0, 70),
    st.sampled_from((Preferences(), Preferences(clicks_may_teach=True))),
)
@settings(max_examples=60, deadline=None)
def test_links_of_any_length_fit_into_lines(public_id: str, length: int, preferences: Preferences) -> None:
    renderer = Renderer(SITE, Links(f"https://{'a' * length}.example.org", LINKS.keys))
    bulk = BulkRenderer(renderer)
    for own_id in (public_id, public_id[::-1]):
        edition = make_edition(
            reader=replace(READER, public_id=own_id, preferences=preferences), picks=make_picks()[2:11:4]
        )
        assert decode(bulk.render_digest(edition)) == decode(FullRenderer(renderer).render_digest(edition))


OPERATORS_TEMPLATES = {
    "digest/card.html": '<p>{{ card.number }}<a href="{{ card.more }}">{{ card.title }}</a> {{ card.why }} '
    '<a href="{{ card.less }}">-</a>{{ card.why }}</p>\n',
    "digest/line.txt": "{{ card.title }} {{ card.why_lines }}!\n",
    "digest/subject.txt": "{{ page.subject }}: {{ page.headline }}\n",
    "footer.html": '<p>{{ page.because }} <a href="{{ page.unsubscribe }}">{{ page.headline }}</a></p>\n',
    "footer.txt": "-- \n{{ page.because }} {{ page.preferences }}\n",
}


def test_operators_templates_may_put_texts_and_links_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "digest").mkdir()
    for name, template in OPERATORS_TEMPLATES.items():
        (tmp_path / name).write_text(template)
    renderer = Renderer(SITE, LINKS, tmp_path)
    bulk = BulkRenderer(renderer)
    for reader in make_readers():
        edition = make_edition(reader=reader)
        assert decode(bulk.render_digest(edition)) == decode(FullRenderer(renderer).render_digest(edition))


def test_operators_template_may_put_a_section_on_a_line_with_others(tmp_path: Path) -> None:
    (tmp_path / "digest").mkdir()
    page = "<div>{{ page.trending }}</div><div>{{ page.picked }}{{ page.also_new }}</div>\n"
    (tmp_path / "digest" / "body.html").write_text(page)
    renderer = Renderer(SITE, LINKS, tmp_path)
    html = BulkRenderer(renderer).render_email(make_edition()).html
    full = FullRenderer(renderer).render_email(make_edition()).html
    assert html.replace("\n", "") == full.replace("\n", "")


def test_email_has_the_parts_of_the_message() -> None:
    for edition in (make_edition(), make_edition(picks=()), make_edition(reader=make_reader("zh"))):
        assert BulkRenderer(RENDERER).render_email(edition) == FULL.render_email(edition)
