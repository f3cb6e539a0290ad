"""Renderer: contents of every mail, trimming, templates of the operator."""

from collections.abc import Sequence
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
from digest.mail.bulk_renderer import MAX_HTML_BYTES, BulkRenderer, trim_edition
from digest.mail.renderer import Renderer
from digest.mail.subject import order_picks
from digest.models import Frequency, Preferences, Profile, Schedule, Section
from digest.models.editions import EditionRows, to_rows
from digest.models.errors import ConfigError
from tests.mail.examples import (
    BULK,
    LINKS,
    READER,
    RENDERER,
    SITE,
    make_edition,
    make_picks,
    make_reader,
    render_every_mail,
)


def test_both_parts_name_the_same_papers_in_the_same_order() -> None:
    email = BULK.render_email(make_edition())
    titles = [pick.paper.title for pick in order_picks(make_edition())]
    page = BeautifulSoup(email.html, "lxml").get_text()
    for part in (page, email.text):
        offsets = [part.rindex(title) for title in titles]
        assert offsets == sorted(offsets)


def test_sections_without_papers_have_no_heading() -> None:
    email = BULK.render_email(make_edition(picks=make_picks()[:3]))
    assert "Picked for you" not in email.html
    assert "ALSO NEW" not in email.text
    assert "Monday 23 November 2026: 3 trending." in email.text


def test_every_card_has_a_reason_and_feedback_links() -> None:
    page = BeautifulSoup(BULK.render_email(make_edition()).html, "lxml")
    assert len(page.select("p.why")) == 9
    assert all(why.get_text().startswith("Why:") for why in page.select("p.why"))
    feedback = [str(a["href"]) for a in page.select("p.chips a") if "/v/" in str(a["href"])]
    assert len(set(feedback)) == len(feedback) == 18


@pytest.mark.parametrize(
    ("profile", "question", "topics"),
    [
        (Profile(), "Say what you work on:", ""),
        (Profile(authors=("A. Loveless",)), "Say more:", ""),
        (Profile(keywords=("sheep", "<b>wool</b>")), "Say more:", "your topics: sheep, <b>wool</b>."),
    ],
)
def test_welcome_lists_topics_or_asks_for_them(profile: Profile, question: str, topics: str) -> None:
    mail = RENDERER.render_welcome(replace(READER, profile=profile))
    for text in (" ".join(mail.text.split()), " ".join(BeautifulSoup(mail.html, "lxml").get_text().split())):
        assert question in text
        assert ("your topics" in text) is bool(topics)
        assert topics in text


def test_a_weekly_digest_says_so() -> None:
    reader = replace(READER, schedule=Schedule(frequency=Frequency.WEEKLY))
    assert "Trending this week" in BULK.render_email(make_edition(reader=reader)).html


def test_footer_names_address_date_unsubscribe_link_and_sender() -> None:
    text = BULK.render_email(make_edition()).text
    subscribed = "24 October 2026".replace(" ", "\N{NO-BREAK SPACE}")
    assert f"because ada@example.com subscribed to Trending Papers on\n{subscribed}." in text
    assert f"Unsubscribe: {LINKS.unsubscribe_url(READER.public_id)}\n" in text
    assert "Sent by The Papers Club, 12 Library Lane" in text


def test_footer_without_a_known_date_has_none() -> None:
    reader = replace(READER, confirmed_at=None, created_at=None)
    assert (
        "because ada@example.com subscribed to Trending Papers.\n"
        in BULK.render_email(make_edition(reader=reader)).text
    )


def test_papers_in_another_language_are_tagged() -> None:
    german = BeautifulSoup(BULK.render_email(make_edition(reader=make_reader("de"))).html, "lxml")
    assert german.html is not None
    assert german.html["lang"] == "de"
    assert [h3.get("lang") for h3 in german.find_all("h3")] == ["en"] * 19
    english = BeautifulSoup(BULK.render_email(make_edition()).html, "lxml")
    assert all(h3.get("lang") is None for h3 in english.find_all("h3"))


def test_unknown_language_is_rendered_in_english() -> None:
    reader = replace(READER, preferences=Preferences(language="tlh"))
    assert "Picked for you" in BULK.render_email(make_edition(reader=reader)).html


def test_large_mail_is_trimmed_and_says_so() -> None:
    many = [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"))
        for n in range(6)
        for pick in make_picks()
    ]
    email = BULK.render_email(make_edition(picks=many))
    assert 70_000 < len(email.html.encode()) <= 80_000
    assert "Shortened so that" in email.html
    assert "also new" not in email.text.splitlines()[3]  # lines go before picks do


def test_trending_is_trimmed_last() -> None:
    many = [
        replace(pick, paper=replace(pick.paper, id=f"x:{n}-{pick.paper.id}"), section=section)
        for n in range(36)
        for section, pick in zip(Section, make_picks()[:3], strict=True)
    ]
    assert "36 trending" in BULK.render_email(make_edition(picks=many)).text


def test_the_operators_templates_come_first(tmp_path: Path) -> None:
    (tmp_path / "footer.txt").write_text("-- \nOurs: {{ page.unsubscribe }}\n")
    email = BulkRenderer(Renderer(SITE, LINKS, tmp_path)).render_email(make_edition())
    assert "\nOurs: https://" in email.text
    assert "Picked for you" in email.html


def test_operators_subject_template_can_use_the_layout(tmp_path: Path) -> None:
    for mail in ("digest", "welcome"):
        (tmp_path / mail).mkdir()
        (tmp_path / mail / "subject.txt").write_text("Ours in\n {{ page.lang }}: {{ page.headline }}\n")
    renderer = Renderer(SITE, LINKS, tmp_path)
    expected = "Ours in en: Monday 23 November 2026: 6 picked for you, 3 trending, 10 also new."
    assert BulkRenderer(renderer).render_email(make_edition()).subject == expected
    assert renderer.render_welcome(READER).subject == "Ours in en:"


@pytest.mark.parametrize("source", ["{{ page.nonsense }}", "{{ secret }}"])
def test_a_misspelt_name_in_a_template_is_an_error(tmp_path: Path, source: str) -> None:
    (tmp_path / "footer.txt").write_text(source)
    with pytest.raises(UndefinedError):
        BulkRenderer(Renderer(SITE, LINKS, tmp_path)).render_email(make_edition())


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ page.__init__.__globals__ }}"])
def test_template_cannot_leave_the_sandbox(tmp_path: Path, source: str) -> None:
    (tmp_path / "footer.txt").write_text(source)
    with pytest.raises(SecurityError):
        BulkRenderer(Renderer(SITE, LINKS, tmp_path)).render_email(make_edition())


def test_the_operators_colours_are_used_and_faint_ones_refused() -> None:
    site = replace(SITE, light=replace(LIGHT, link="#7a1fa2"), dark=replace(DARK, link="#e0b0ff"))
    html = BulkRenderer(Renderer(site, LINKS)).render_email(make_edition()).html
    assert "color:#7a1fa2" in html
    assert "#e0b0ff" in html
    with pytest.raises(ConfigError, match="too faint"):
        replace(LIGHT, link="#cccccc")


def test_a_site_without_postal_address_signs_with_its_brand() -> None:
    site = Site(brand="Daily", base_url="https://example.org", sender="d@example.org")
    assert site.signature == "Daily"


def test_confirmation_has_one_link_to_follow_and_one_to_refuse() -> None:
    page = BeautifulSoup(render_every_mail()["confirm"][0].html, "lxml")
    links = [str(a["href"]).split("/")[3] for a in page.find_all("a")]
    assert links == ["c", "u"]  # confirm, and in the footer: never again
    assert "do nothing" in page.get_text()


def test_welcome_names_the_time_of_the_first_digest() -> None:
    assert "Tuesday 24 November 2026, 07:00 (UTC)" in render_every_mail()["welcome"][0].text


def test_first_digest_is_given_in_the_time_zone_of_the_reader() -> None:
    reader = replace(READER, schedule=Schedule(timezone="America/New_York"))
    welcome = RENDERER.render_welcome(reader, coming=datetime(2027, 1, 2, 3, 30, tzinfo=UTC))
    assert "Friday 1 January 2027, 22:30 (New York)" in welcome.text


def test_time_of_first_digest_has_chinese_punctuation_in_chinese() -> None:
    reader = replace(
        READER, schedule=Schedule(timezone="Asia/Shanghai"), preferences=Preferences(language="zh")
    )
    welcome = RENDERER.render_welcome(reader, coming=datetime(2027, 1, 1, 23, 0, tzinfo=UTC))
    assert "下一期将于2027年1月2日星期六 07:00（Shanghai）送达。" in welcome.text


def test_digest_without_papers_is_the_empty_day_mail_with_every_reason() -> None:
    empty = make_edition(picks=())
    assert BULK.render_email(empty) == RENDERER.render_empty_day(empty)
    assert "Nothing new matched your interests closely enough." in BULK.render_email(empty).text
    silent = BULK.render_email(make_edition(picks=(), notes=("arxiv-silent", "source-missing:bioRxiv")))
    reasons = "arXiv announced nothing today. bioRxiv could not be read today; its papers will follow later."
    assert reasons in " ".join(silent.text.split())


EDITION = to_rows(make_edition())


def trim(sizes: Sequence[int], layout_bytes: int = 0) -> EditionRows:
    return trim_edition(EDITION, sizes, layout_bytes=layout_bytes)


def test_trim_edition_returns_what_fits_unchanged() -> None:
    assert trim([100] * 19, layout_bytes=1_000) is EDITION


def test_trim_edition_drops_also_new_first_and_keeps_one_paper() -> None:
    kept = trim([6_000] * 19, layout_bytes=10_000)
    assert [len(kept.to_edition().get_picks(section)) for section in Section] == [3, 6, 2]
    assert kept.notes == ("trimmed",)
    assert [row[1] for row in trim([10**6] * 19).picks] == ["t"]


@given(st.integers(0, 20_000), st.integers(0, 60_000))
def test_trim_edition_fits_and_keeps_the_order(card_bytes: int, layout_bytes: int) -> None:
    kept = trim([card_bytes] * 19, layout_bytes=layout_bytes).picks
    assert layout_bytes + card_bytes * len(kept) <= MAX_HTML_BYTES or len(kept) == 1
    assert [row for row in EDITION.picks if row in kept] == [*kept]


def test_trim_edition_drops_no_more_than_needed_from_the_end() -> None:
    room_for_all = MAX_HTML_BYTES - 1_000 * 19
    assert trim([1_000] * 19, room_for_all).notes == ()
    assert trim([1_000] * 19, room_for_all + 1).notes == ("trimmed",)
    for missing, end in ((1, -1), (1_000, -1), (1_001, -2), (2_000, -2)):
        assert trim([1_000] * 19, room_for_all + missing).picks == EDITION.picks[:end]


def test_trim_edition_stops_after_one_heavy_card() -> None:
    assert trim([*[2_000] * 18, 60_000]).picks == EDITION.picks[:-1]
