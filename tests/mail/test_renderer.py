"""How does an edition become an email?"""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from digest.mail.branding import DARK, LIGHT, Site
from digest.mail.renderer import LARGEST, Renderer, fitted
from digest.models import Frequency, Preferences, Profile, Schedule, Section
from digest.models.errors import ConfigError
from tests.mail.examples import LINKS, READER, RENDERER, SITE, edition, every_mail, picks, speaking


def test_both_parts_name_the_same_papers_in_the_same_order() -> None:
    email = RENDERER.digest(edition())
    titles = [pick.paper.title for pick in picks()]
    page = BeautifulSoup(email.html, "lxml").get_text()
    for part in (page, email.text):
        places = [part.rindex(title) for title in titles]
        assert places == sorted(places)


def test_sections_without_papers_have_no_heading() -> None:
    email = RENDERER.digest(edition(chosen=picks()[:3]))
    assert "Picked for you" not in email.html
    assert "ALSO NEW" not in email.text
    assert "Monday 23 November 2026: 3 trending." in email.text


def test_every_picked_paper_says_why_and_every_paper_can_be_judged() -> None:
    page = BeautifulSoup(RENDERER.digest(edition()).html, "lxml")
    assert len(page.select("p.why")) == 9
    assert all(why.get_text().startswith("Why:") for why in page.select("p.why"))
    verdicts = [str(a["href"]) for a in page.select("p.links a") if "/v/" in str(a["href"])]
    assert len(set(verdicts)) == len(verdicts) == 18


@pytest.mark.parametrize(
    ("profile", "asked", "told"),
    [
        (Profile(), "Say what you work on:", ""),
        (Profile(authors=("A. Loveless",)), "Say more:", ""),
        (Profile(keywords=("sheep", "<b>wool</b>")), "Say more:", "what you named: sheep, <b>wool</b>."),
    ],
)
def test_the_welcome_says_what_papers_are_picked_by_and_asks_only_those_who_said_nothing(
    profile: Profile, asked: str, told: str
) -> None:
    mail = RENDERER.welcome(replace(READER, profile=profile))
    for text in (" ".join(mail.text.split()), " ".join(BeautifulSoup(mail.html, "lxml").get_text().split())):
        assert asked in text
        assert ("what you named" in text) is bool(told)
        assert told in text


def test_a_weekly_digest_says_so() -> None:
    reader = replace(READER, schedule=Schedule(frequency=Frequency.WEEKLY))
    assert "Trending this week" in RENDERER.digest(edition(reader=reader)).html


def test_the_footer_says_who_subscribed_when_and_the_way_out() -> None:
    text = RENDERER.digest(edition()).text
    subscribed = "24 October 2026".replace(" ", "\N{NO-BREAK SPACE}")
    assert f"because ada@example.com subscribed to Trending Papers on\n{subscribed}." in text
    assert f"Unsubscribe: {LINKS.unsubscribe(READER.pid)}\n" in text
    assert "Sent by The Papers Club, 12 Library Lane" in text


def test_a_reader_of_whom_no_date_is_known_is_told_without_one() -> None:
    reader = replace(READER, confirmed_at=None, created_at=None)
    assert (
        "because ada@example.com subscribed to Trending Papers.\n"
        in RENDERER.digest(edition(reader=reader)).text
    )


def test_papers_keep_their_language_and_say_which() -> None:
    german = BeautifulSoup(RENDERER.digest(edition(reader=speaking("de"))).html, "lxml")
    assert german.html is not None
    assert german.html["lang"] == "de"
    assert [h3.get("lang") for h3 in german.find_all("h3")] == ["en"] * 9
    english = BeautifulSoup(RENDERER.digest(edition()).html, "lxml")
    assert all(h3.get("lang") is None for h3 in english.find_all("h3"))


def test_a_language_we_do_not_speak_is_answered_in_english() -> None:
    reader = replace(READER, preferences=Preferences(language="tlh"))
    assert "Picked for you" in RENDERER.digest(edition(reader=reader)).html


def test_a_mail_that_would_be_clipped_trims_itself_and_says_so() -> None:
    many = [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"))
        for n in range(6)
        for pick in picks()
    ]
    email = RENDERER.digest(edition(chosen=many))
    assert 70_000 < len(email.html.encode()) <= 80_000
    assert "Shortened so that" in email.html
    assert "also new" not in email.text.splitlines()[3]  # lines go before picks do


def test_trending_survives_longest() -> None:
    many = [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"), section=section)
        for n in range(12)
        for section, pick in zip(Section, picks()[:3], strict=True)
    ] * 3
    kept = RENDERER.fitted(edition(chosen=many)).picks
    assert sum(pick.section is Section.TRENDING for pick in kept) == 36


def test_the_operators_templates_come_first(tmp_path: Path) -> None:
    (tmp_path / "footer.txt").write_text("-- \nOurs: {{ page.unsubscribe }}\n")
    email = Renderer(SITE, LINKS, tmp_path).digest(edition())
    assert "\nOurs: https://" in email.text
    assert "Picked for you" in email.html


def test_the_operator_words_any_subject_from_what_the_page_knows(tmp_path: Path) -> None:
    for mail in ("digest", "welcome"):
        (tmp_path / mail).mkdir()
        (tmp_path / mail / "subject.txt").write_text("Ours in\n {{ page.lang }}: {{ page.headline }}\n")
    renderer = Renderer(SITE, LINKS, tmp_path)
    told = "Ours in en: Monday 23 November 2026: 3 trending, 6 picked for you, 10 also new."
    assert renderer.digest(edition()).subject == told
    assert renderer.welcome(READER).subject == "Ours in en:"


@pytest.mark.parametrize("source", ["{{ page.nonsense }}", "{{ secret }}"])
def test_a_misspelt_name_in_a_template_is_an_error(tmp_path: Path, source: str) -> None:
    (tmp_path / "footer.txt").write_text(source)
    with pytest.raises(UndefinedError):
        Renderer(SITE, LINKS, tmp_path).digest(edition())


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ page.__init__.__globals__ }}"])
def test_a_template_cannot_reach_out_of_its_box(tmp_path: Path, source: str) -> None:
    (tmp_path / "footer.txt").write_text(source)
    with pytest.raises(SecurityError):
        Renderer(SITE, LINKS, tmp_path).digest(edition())


def test_the_operators_colours_are_used_and_faint_ones_refused() -> None:
    site = replace(SITE, light=replace(LIGHT, link="#7a1fa2"), dark=replace(DARK, link="#e0b0ff"))
    html = Renderer(site, LINKS).digest(edition()).html
    assert "color:#7a1fa2" in html
    assert "#e0b0ff" in html
    with pytest.raises(ConfigError, match="too faint"):
        replace(LIGHT, link="#cccccc")


def test_a_site_without_postal_address_signs_with_its_brand() -> None:
    site = Site(brand="Daily", base_url="https://example.org", sender="d@example.org")
    assert site.signature == "Daily"


def test_a_confirmation_has_one_link_to_follow_and_asks_for_nothing_else() -> None:
    page = BeautifulSoup(every_mail()["confirm"][0].html, "lxml")
    links = [str(a["href"]).split("/")[3] for a in page.find_all("a")]
    assert links == ["c", "u"]  # confirm, and in the footer: never again
    assert "do nothing" in page.get_text()


def test_a_welcome_names_the_first_moment_in_the_readers_zone() -> None:
    assert "Tuesday 24 November 2026, 07:00 (UTC)" in every_mail()["welcome"][0].text


def test_a_moment_is_told_by_the_clock_on_the_reader_s_wall() -> None:
    reader = replace(READER, schedule=Schedule(timezone="America/New_York"))
    welcome = RENDERER.welcome(reader, first=datetime(2027, 1, 2, 3, 30, tzinfo=UTC))
    assert "Friday 1 January 2027, 22:30 (New York)" in welcome.text


def test_a_digest_without_papers_is_a_word_about_that_with_every_reason_there_is() -> None:
    nothing = edition(chosen=())
    assert RENDERER.digest(nothing) == RENDERER.empty_day(nothing)
    assert "Nothing new came close enough to what you read." in RENDERER.digest(nothing).text
    silent = RENDERER.digest(edition(chosen=(), notes=("arxiv-silent", "source-missing:bioRxiv")))
    reasons = "arXiv announced nothing today. bioRxiv could not be read today; its papers follow."
    assert reasons in " ".join(silent.text.split())


def test_what_fits_stays_as_it_is() -> None:
    of = edition()
    assert fitted(of, lambda _: 100, around=1_000) is of


def test_lines_go_first_and_one_paper_always_stays() -> None:
    kept = fitted(edition(), lambda _: 6_000, around=10_000)
    assert [len(kept.section(section)) for section in Section] == [3, 6, 2]
    assert kept.notes == ("trimmed",)
    assert [pick.section for pick in fitted(edition(), lambda _: 10**6, around=0).picks] == [Section.TRENDING]


@given(st.integers(0, 20_000), st.integers(0, 60_000))
def test_what_is_kept_fits_and_keeps_its_order(weight: int, around: int) -> None:
    kept = fitted(edition(), lambda _: weight, around=around).picks
    assert around + weight * len(kept) <= LARGEST or len(kept) == 1
    assert [pick.paper.id for pick in picks() if pick in kept] == [pick.paper.id for pick in kept]


def test_no_more_is_given_up_than_must_be_and_the_last_ones_first() -> None:
    room_for_all = LARGEST - 1_000 * len(picks())
    assert fitted(edition(), lambda _: 1_000, around=room_for_all).notes == ()
    assert fitted(edition(), lambda _: 1_000, around=room_for_all + 1).notes == ("trimmed",)
    for missing, kept in ((1, -1), (1_000, -1), (1_001, -2), (2_000, -2)):
        left = fitted(edition(), lambda _: 1_000, around=room_for_all + missing).picks
        assert left == picks()[:kept]


def test_giving_up_the_heaviest_line_may_be_enough() -> None:
    last = picks()[-1]
    kept = fitted(edition(), lambda pick: 60_000 if pick == last else 2_000, around=0).picks
    assert kept == picks()[:-1]
