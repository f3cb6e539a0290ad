"""Do the mails still look as they did? `pytest tests/mail --update-pages` keeps them as they are now."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.mail.layout import because, notes
from digest.mail.locale import LANGUAGES, get_locale
from tests.mail.examples import READER, SITE, every_mail

Kept = Callable[[str, str], str]


@pytest.mark.parametrize("name", every_mail())
def test_the_mail_is_the_page_we_kept(name: str, kept: Kept) -> None:
    email, _ = every_mail()[name]
    assert email.html == kept(f"{name}.html", email.html)
    text = f"Subject: {email.subject}\n\n{email.text}"
    assert text == kept(f"{name}.txt", text)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_the_digest_in_other_languages_is_the_page_we_kept(language: str, kept: Kept) -> None:
    for name in ("digest", "confirm"):
        email, _ = every_mail(language)[name]
        text = f"Subject: {email.subject}\n\n{email.text}"
        assert text == kept(f"{name}.{language}.txt", text)


def test_the_digest_travels_as_the_bytes_we_kept(kept: Kept) -> None:
    raw = every_mail()["digest"][1].decode("ascii").replace("\r\n", "\n")
    assert raw == kept("digest.eml", raw)


EN = get_locale("en")


def test_a_note_carries_its_word_and_one_that_nobody_knows_says_nothing() -> None:
    assert notes(EN, ("nonsense", "source-missing:a\nfeed", "nonsense:x")) == (
        "a feed could not be read today; its papers follow.",
    )
    assert notes(EN, ("source-missing:" + "a" * 99,)) == (
        f"{'a' * 60} could not be read today; its papers follow.",
    )


def test_a_reader_is_told_the_day_they_confirmed_or_else_the_day_they_asked() -> None:
    asked, confirmed = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)
    reader = replace(READER, created_at=asked, confirmed_at=confirmed)
    told = because(SITE, EN, reader).replace("\N{NO-BREAK SPACE}", " ")
    assert told == "You get this because ada@example.com subscribed to Trending Papers on 9 March 2026."
    unconfirmed = because(SITE, EN, replace(reader, confirmed_at=None))
    assert unconfirmed.replace("\N{NO-BREAK SPACE}", " ") == told.replace("9 March", "1 March")
