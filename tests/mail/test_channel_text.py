"""Tests of digests as short messages to channels."""

from dataclasses import replace

import pytest

from digest.mail.channel_text import TextForm, render_channel_digest, render_channel_greeting
from digest.mail.subject import order_picks
from digest.models import Edition, Paper
from digest.models.editions import NewsKind, PaperNews
from tests.mail.examples import LINKS, READER, SITE, make_edition

HOSTILE = "@everyone <!channel> **[click](https://evil.example)** `x_1` \\_"


def render(edition: Edition, form: TextForm, max_chars: int = 9000) -> tuple[str, str]:
    return render_channel_digest(edition, site=SITE, links=LINKS, max_chars=max_chars, form=form)


def with_first_paper(edition: Edition, **changes: object) -> Edition:
    first, *others = edition.picks
    paper: Paper = replace(first.paper, **changes)  # type: ignore[arg-type]
    return replace(edition, picks=(replace(first, paper=paper), *others))


@pytest.mark.parametrize("form", TextForm)
def test_all_forms_name_all_papers_and_reasons_in_the_order_of_the_mail(form: TextForm) -> None:
    edition = make_edition()
    title, text = render(edition, form)

    links = [text.index(pick.paper.url) for pick in order_picks(edition)]
    assert title
    assert links == sorted(links)
    assert text.count("Why: ") > 5
    assert text.startswith("Monday 23 November 2026")
    assert ("**Trending today**" in text) is (form is not TextForm.PLAIN)


@pytest.mark.parametrize("form", TextForm)
def test_no_link_acts_for_the_subscriber(form: TextForm) -> None:
    edition = make_edition()
    personal = replace(
        edition,
        subscriber=replace(
            edition.subscriber, preferences=replace(edition.subscriber.preferences, clicks_may_teach=True)
        ),
    )

    text = " ".join(render(personal, form))

    assert READER.public_id not in text
    assert READER.address not in text
    own_links = [word for word in text.split() if SITE.base_url in word]
    assert [word.strip("()") for word in own_links][-1].endswith(f"{SITE.base_url}/")
    assert len(own_links) == 1


@pytest.mark.parametrize("max_chars", [500, 1700, 3500])
@pytest.mark.parametrize("form", TextForm)
def test_what_does_not_fit_is_counted(form: TextForm, max_chars: int) -> None:
    edition = make_edition()
    _, text = render(edition, form, max_chars)

    shown = sum(pick.paper.url in text for pick in edition.picks)
    assert len(text) <= max_chars
    left_out = len(edition.picks) - shown
    assert f"+ {left_out} more paper" in text.replace("\\", "")


def test_titles_cannot_mention_people_or_write_markup() -> None:
    edition = with_first_paper(make_edition(), title=HOSTILE)

    _, markdown = render(edition, TextForm.MARKDOWN)
    _, slack = render(edition, TextForm.SLACK)
    _, plain = render(edition, TextForm.PLAIN)

    assert "\\*\\*\\[click\\](https://evil.example)\\*\\* \\`x\\_1\\`" in markdown
    for text in (markdown, slack, plain):
        assert "@everyone" not in text
        assert "<" not in text
    assert "[click]" not in slack


def test_brackets_in_an_address_do_not_end_its_link() -> None:
    edition = with_first_paper(make_edition(), url="https://doi.example/10.1000/(sici)1")

    assert "(https://doi.example/10.1000/%28sici%291)" in render(edition, TextForm.MARKDOWN)[1]


def test_news_stand_at_the_end() -> None:
    news = PaperNews(
        kind=NewsKind.WITHDRAWN, paper_id="arxiv:1", title="Cold Naps", url="https://a.example/1"
    )
    edition = replace(make_edition(), news=(news,))

    text = render(edition, TextForm.PLAIN)[1]

    assert text.index("NEWS OF PAPERS YOU KNOW") < text.index("Cold Naps")
    assert "Withdrawn or retracted" in text


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "zh"])
def test_greeting_is_in_the_readers_language(language: str) -> None:
    reader = replace(READER, preferences=replace(READER.preferences, language=language))

    title, text = render_channel_greeting(reader, site=SITE, links=LINKS, form=TextForm.MARKDOWN)

    assert title == SITE.brand
    assert SITE.base_url in text
    assert ("This channel is connected" in text) is (language == "en")
