"""Do the mails still look as they did? `pytest tests/compose --update-pages` keeps them as they are now."""

from collections.abc import Callable

import pytest

from digest.compose.tongue import LANGUAGES
from tests.compose.examples import every_mail

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
