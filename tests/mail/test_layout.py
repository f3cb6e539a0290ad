"""Layout: notes of an edition and the reason for the mail in the footer."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from digest.mail.layout import describe_subscription, format_notes
from digest.mail.locale import get_locale
from tests.mail.examples import READER, SITE

EN = get_locale("en")


def test_format_notes_cleans_and_cuts_details_and_skips_unknown_codes() -> None:
    assert format_notes(EN, ("nonsense", "source-missing:a\nfeed", "nonsense:x")) == (
        "a feed could not be read today; its papers will follow later.",
    )
    assert format_notes(EN, ("source-missing:" + "a" * 99,)) == (
        f"{'a' * 60} could not be read today; its papers will follow later.",
    )


@pytest.mark.parametrize(
    ("language", "english"),
    [("en", "English"), ("de", "englisch"), ("fr", "anglais"), ("es", "inglés"), ("zh", "英文")],
)
def test_who_gets_no_picks_is_told_that_keywords_are_matched_in_english(language: str, english: str) -> None:
    (note,) = format_notes(get_locale(language), ("nothing-near",))
    assert english in note


def test_describe_subscription_names_the_day_of_confirmation_or_else_of_sign_up() -> None:
    created, confirmed = datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 9, 12, tzinfo=UTC)
    reader = replace(READER, created_at=created, confirmed_at=confirmed)

    text = describe_subscription(SITE, EN, reader).replace("\N{NO-BREAK SPACE}", " ")
    assert text == "You get this because ada@example.com subscribed to Trending Papers on 9 March 2026."

    unconfirmed = describe_subscription(SITE, EN, replace(reader, confirmed_at=None))
    assert unconfirmed.replace("\N{NO-BREAK SPACE}", " ") == text.replace("9 March", "1 March")
