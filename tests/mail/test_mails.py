"""Is every mail the product can send beyond reproach?"""

import pytest

from digest.mail.locale import LANGUAGES
from tests.mail.checks import findings
from tests.mail.examples import BULK_MAILS, every_mail

NAMES = tuple(every_mail())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_no_mail_has_a_finding(name: str, language: str) -> None:
    email, raw = every_mail(language)[name]
    assert findings(email, raw, bulk=name in BULK_MAILS) == []


def test_a_default_digest_has_at_most_thirty_kilobytes() -> None:
    for language in LANGUAGES:
        assert len(every_mail(language)["digest"][0].html.encode()) <= 30_000
