"""Every mail of the product: no problem found by `checks`, and equal to the golden files in tests/pages.

`pytest tests/mail --update-pages` replaces the golden files.
"""

from collections.abc import Callable

import pytest

from digest.mail.locale import LANGUAGES
from tests.mail.checks import find_problems
from tests.mail.examples import BULK_MAILS, render_every_mail

NAMES = tuple(render_every_mail())
Golden = Callable[[str, str], str]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_mail_has_a_problem(name: str, language: str) -> None:
    email, raw = render_every_mail(language)[name]
    assert find_problems(email, raw, bulk=name in BULK_MAILS) == []


def test_default_digest_has_at_most_thirty_kilobytes() -> None:
    for language in LANGUAGES:
        assert len(render_every_mail(language)["digest"][0].html.encode()) <= 30_000


@pytest.mark.parametrize("name", NAMES)
def test_mail_equals_its_golden_files(name: str, golden: Golden) -> None:
    email, _ = render_every_mail()[name]
    assert email.html == golden(f"{name}.html", email.html)
    text = f"Subject: {email.subject}\n\n{email.text}"
    assert text == golden(f"{name}.txt", text)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_mail_in_other_languages_equals_its_golden_file(language: str, golden: Golden) -> None:
    for name in ("digest", "confirm"):
        email, _ = render_every_mail(language)[name]
        text = f"Subject: {email.subject}\n\n{email.text}"
        assert text == golden(f"{name}.{language}.txt", text)


def test_digest_message_equals_its_golden_file(golden: Golden) -> None:
    raw = render_every_mail()["digest"][1].decode("ascii").replace("\r\n", "\n")
    assert raw == golden("digest.eml", raw)
