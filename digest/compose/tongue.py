"""Which language does this mail speak? Its words, plural rules, dates and quotation marks."""

from datetime import date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

CATALOGUES = Path(__file__).parent / "locale"
LOCALES = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "zh": "zh_Hans_CN"}
LANGUAGES = tuple(LOCALES)
SHORT_DATES = {"en": "d MMM", "de": "d. MMM", "fr": "d MMM", "es": "d MMM", "zh": "M月d日"}


class Tongue:
    """One language of the mails: what it calls things and how it writes dates and numbers."""

    def __init__(self, code: str, translations: NullTranslations) -> None:
        self.code = code
        self.locale = Locale.parse(LOCALES[code])
        self.translations = translations
        self.say = translations.gettext
        self.count_word = translations.ngettext

    def count(self, one: str, many: str, number: float) -> str:
        """`1 upvote`, `31 upvotes`: the plural rule of the language, its digits grouped its way."""
        return self.count_word(one, many, round(number)) % {"count": self.number(number)}

    def number(self, value: float) -> str:
        """A whole number, grouped in thousands."""
        return str(format_decimal(round(value), locale=self.locale))

    def day(self, day: date) -> str:
        """`Monday 23 November 2026`."""
        return format_date(day, "full", locale=self.locale).replace(",", "" if self.code == "en" else ",")

    def weekday(self, day: date) -> str:
        """`Tuesday`."""
        return format_date(day, "EEEE", locale=self.locale)

    def short_day(self, day: date | datetime) -> str:
        """`22 Nov`."""
        return format_date(day, SHORT_DATES[self.code], locale=self.locale)

    def long_day(self, day: date | datetime) -> str:
        """`24 October 2026`."""
        return format_date(day, "long", locale=self.locale)

    def quote(self, text: str) -> str:
        """The text in the language's own quotation marks."""
        return self.say("“%(text)s”") % {"text": text}


@cache
def tongue(language: str) -> Tongue:
    """The tongue for a language tag (`de-AT` speaks `de`); English where we have no other."""
    code = language.replace("_", "-").split("-")[0].lower()
    if code not in LOCALES:
        code = "en"
    return Tongue(code, _translations(code))


def _translations(code: str) -> NullTranslations:
    """Compiled when first spoken, so that editing a catalogue needs no build step."""
    source = CATALOGUES / f"{code}.po"
    if not source.exists():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=LOCALES[code]))
    compiled.seek(0)
    return GNUTranslations(compiled)
