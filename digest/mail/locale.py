"""Languages of the mails: translations, plural rules, dates, numbers and quotation marks.

Messages are extracted by the names `gettext`, `ngettext`, `gettext_noop`, `ngettext_noop`, `format_count` and
(in templates) `_`: tests/mail/test_locale.py compares the catalogues with them.
"""

from datetime import date
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

CATALOGUES = Path(__file__).parent / "translations"
LOCALES = {"en": "en_GB", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "zh": "zh_Hans_CN"}
LANGUAGES = tuple(LOCALES)
MONTH_FORMATS = {"es": "LLLL 'de' y", "zh": "y年M月"}
SHORT_DATE_FORMATS = {"en": "d MMM", "de": "d. MMM", "fr": "d MMM", "es": "d MMM", "zh": "M月d日"}


def gettext_noop(message: str) -> str:
    """Mark a message for extraction; it is translated where it is used."""
    return message


def ngettext_noop(one: str, many: str) -> tuple[str, str]:
    """Mark a message with a number for extraction; it is translated where it is used."""
    return one, many


class Locale:
    """One language of the mails: its translations and its formats of dates and numbers."""

    def __init__(self, code: str, translations: NullTranslations) -> None:
        self.code = code
        self.translations = translations
        self.gettext = translations.gettext
        self.ngettext = translations.ngettext

    def format_count(self, one: str, many: str, number: float) -> str:
        """Return `1 upvote` or `31 upvotes`: the plural form of a message with its formatted number."""
        return self.ngettext(one, many, round(number)) % {"count": self.format_number(number)}

    def format_number(self, value: float) -> str:
        """Return a number without decimals, grouped in thousands."""
        return _format_number(self.code, round(value))

    def format_day(self, day: date) -> str:
        """Return `Monday 23 November 2026`."""
        return _format_date(self.code, day, "full")

    def format_month(self, day: date) -> str:
        """Return `November 2026`."""
        return _format_date(self.code, day, MONTH_FORMATS.get(self.code, "LLLL y"))

    def format_weekday(self, day: date) -> str:
        """Return `Tuesday`."""
        return _format_date(self.code, day, "EEEE")

    def format_short_day(self, day: date) -> str:
        """Return `22 Nov` with no-break spaces."""
        return _format_date(self.code, day, SHORT_DATE_FORMATS[self.code]).replace(" ", "\N{NO-BREAK SPACE}")

    def format_long_day(self, day: date) -> str:
        """Return `24 October 2026` with no-break spaces."""
        return _format_date(self.code, day, "long").replace(" ", "\N{NO-BREAK SPACE}")

    def quote(self, text: str) -> str:
        """Return the text in the quotation marks of the language."""
        return self.gettext("“%(text)s”") % {"text": text}


def city_name(zone: str) -> str:
    """Return the city of a time zone: `New York` for `America/New_York`, `UTC` for `UTC`."""
    return zone.rpartition("/")[2].replace("_", " ")


@lru_cache(maxsize=4096)
def _format_date(code: str, day: date, pattern: str) -> str:
    return format_date(day, pattern, locale=LOCALES[code]).replace(",", "" if code == "en" else ",")


@lru_cache(maxsize=4096)
def _format_number(code: str, value: int) -> str:
    return str(format_decimal(value, locale=LOCALES[code]))


def get_locale(language: str) -> Locale:
    """Return the locale of a language tag (`de-AT` gives `de`); English if there is no such catalogue."""
    code = language.replace("_", "-").split("-")[0].lower()
    return _load_locale(code if code in LOCALES else "en")


@cache  # keyed by our few codes, never by the tag that a client sent
def _load_locale(code: str) -> Locale:
    return Locale(code, _load_translations(code))


def _load_translations(code: str) -> NullTranslations:
    """Compile a catalogue when it is first used, so that editing one needs no build step."""
    source = CATALOGUES / f"{code}.po"
    if not source.exists():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines))
    compiled.seek(0)
    return GNUTranslations(compiled)
