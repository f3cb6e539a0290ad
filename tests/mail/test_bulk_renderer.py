"""Does the press print, byte for byte, what the templates render?"""

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
from tests.factories import paper
from tests.mail.examples import LINKS, READER, RENDERER, SITE, edition, picks, speaking

PLAINLY = SimpleRenderer(RENDERER)
letters = st.text(max_size=40)
reasons = st.builds(
    Reason,
    because=st.sampled_from(ReasonKind),
    terms=st.lists(letters, max_size=4).map(tuple),
    liked_title=letters,
    author=letters,
    category=letters,
    facet=letters,
)
heats = st.builds(
    Heat,
    value=st.just(1.0),
    expected=st.floats(0, 500),
    votes=st.none() | st.integers(0, 999).map(float),
    hours=st.none() | st.floats(0, 60),
    gained=st.none() | st.floats(0, 60),
)
chosen = st.lists(
    st.builds(
        Pick,
        paper=st.builds(paper, letters, id=letters.map("x:{}".format), abstract=letters),
        section=st.sampled_from(Section),
        heat=heats,
        reason=reasons,
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda pick: pick.paper.id,
)


@given(
    chosen,
    st.sampled_from(LANGUAGES),
    st.sampled_from([(), ("first",), ("votes-missing", "nonsense")]),
    st.sampled_from((Preferences(), Preferences(clicks_may_teach=True))),
)
@settings(max_examples=40, deadline=None)
def test_any_edition_is_the_same_from_the_press(
    picks: list[Pick], language: str, notes: tuple[str, ...], wants: Preferences
) -> None:
    reader = replace(speaking(language), preferences=replace(wants, language=language))
    of = edition(reader=reader, chosen=picks, notes=notes)
    press = BulkRenderer(RENDERER)
    printed = press.digest(of)
    assert printed == press.digest(of) == PLAINLY.digest(of)
    assert b"\n." not in printed  # the way out looks for no dots in it


def readers() -> list[Subscriber]:
    weekly = Schedule(frequency=Frequency.WEEKLY)
    return [
        READER,
        replace(READER, id=2, pid="another-reader_with-a-longer-name", address="bo@example.net"),
        replace(READER, id=3, pid="x", address="josé@bücher.example", schedule=weekly),
        *map(speaking, LANGUAGES),
    ]


@pytest.mark.parametrize("reader", readers())
def test_one_press_serves_many_readers_each_their_own(reader: Subscriber) -> None:
    press = BulkRenderer(RENDERER)
    press.digest(edition(reader=READER))
    for number in (1, 3, 4, 9, 19):
        of = edition(reader=reader, chosen=picks()[:number])
        assert press.digest(of) == PLAINLY.digest(of)


def test_a_day_without_papers_is_told_plainly() -> None:
    raw = BulkRenderer(RENDERER).digest(edition(chosen=()))
    assert raw == PLAINLY.digest(edition(chosen=()))
    assert b"\r\nSubject: Nothing new for you on Monday\r\n" in raw


def many() -> list[Pick]:
    return [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"))
        for n in range(6)
        for pick in picks()
    ]


def trimmed(raw: bytes) -> bool:
    return b"Shortened so that" in raw


def test_a_mail_that_must_trim_itself_does_so_in_the_same_way() -> None:
    raw = BulkRenderer(RENDERER).digest(edition(chosen=many()))
    assert raw == PLAINLY.digest(edition(chosen=many()))
    assert trimmed(raw)


def test_on_both_sides_of_the_limit_the_press_trims_what_the_templates_trim() -> None:
    all_of_them, press = many(), BulkRenderer(RENDERER)
    short, long, were_trimmed = 0, len(all_of_them), set()
    while long - short > 1:
        half = (short + long) // 2
        of = edition(chosen=all_of_them[:half])
        raw = press.digest(of)
        assert raw == PLAINLY.digest(of)
        were_trimmed.add(trimmed(raw))
        short, long = (short, half) if trimmed(raw) else (half, long)
    assert were_trimmed == {True, False}


def test_a_press_keeps_no_more_type_than_it_may() -> None:
    press = BulkRenderer(RENDERER, most_cards=5)
    for pick in picks():
        press.digest(edition(chosen=[pick]))
        assert len(press._cards) <= 5
    assert press.digest(edition()) == press.digest(edition()) == PLAINLY.digest(edition())
    assert len(press._cards) <= 5


@pytest.mark.parametrize("chosen", [None, ()])
def test_a_mail_keeps_the_name_that_the_ledger_gave_it(chosen: tuple[Pick, ...] | None) -> None:
    of, name = edition(chosen=chosen), "<d.1@papers.example.org>"
    raw = BulkRenderer(RENDERER).digest(of, message_id=name)
    assert raw == PLAINLY.digest(of, message_id=name)
    assert f"\r\nMessage-ID: {name}\r\n".encode() in raw


def test_a_paper_has_the_place_in_the_list_that_it_has_for_this_reader() -> None:
    press = BulkRenderer(RENDERER)
    for chosen in (picks()[:3], picks()[2::-1]):
        of = edition(chosen=chosen)
        assert press.digest(of) == PLAINLY.digest(of)


def test_a_reader_named_like_a_part_of_our_address_has_links_of_their_own() -> None:
    links = Links(f"https://papers.{READER.pid}.example.org", LINKS.keys)
    renderer = Renderer(SITE, links)
    press = BulkRenderer(renderer)
    for reader in (READER, replace(READER, pid="reader0002")):
        of = edition(reader=reader)
        assert press.digest(of) == SimpleRenderer(renderer).digest(of)


def test_two_readers_with_the_same_pick_read_their_own_reasons() -> None:
    press = BulkRenderer(RENDERER)
    press.digest(edition())
    personal = replace(picks()[3], reason=Reason(because=ReasonKind.AUTHOR, author="Lena Vogt"))
    theirs = edition(chosen=[personal])
    assert b"Lena Vogt, whom you follow" in press.digest(theirs)
    assert press.digest(theirs) == PLAINLY.digest(theirs)


def test_new_numbers_and_a_new_day_are_never_printed_from_old_type() -> None:
    press = BulkRenderer(RENDERER)
    press.digest(edition())
    hotter = replace(picks()[0], heat=replace(picks()[0].heat, votes=1234))
    of = edition(chosen=[hotter, *picks()[1:]])
    assert press.digest(of) == PLAINLY.digest(of)
    tomorrow: Edition = replace(of, day=of.day + timedelta(days=1))
    assert press.digest(tomorrow) == PLAINLY.digest(tomorrow)


def test_the_operators_subject_template_counts_for_both(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("overrides")
    (folder / "digest").mkdir()
    (folder / "digest" / "subject.txt").write_text("[papers] {{ page.subject }}\n")
    renderer = Renderer(SITE, LINKS, folder)
    raw = BulkRenderer(renderer).digest(edition())
    assert b"\r\nSubject: [papers] Diffusion" in raw
    assert raw == SimpleRenderer(renderer).digest(edition())
