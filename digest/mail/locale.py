"""Which language does this mail speak? Its words, plural rules, dates and quotation marks."""

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
SHORT_DATES = {"en": "d MMM", "de": "d. MMM", "fr": "d MMM", "es": "d MMM", "zh": "M月d日"}


def later(message: str) -> str:
    """Marks a message for the catalogues; it is spoken later."""
    return message


def plural(one: str, many: str) -> tuple[str, str]:
    """Marks a message with a number for the catalogues."""
    return one, many


class Locale:
    """One language of the mails: what it calls things and how it writes dates and numbers."""

    def __init__(self, code: str, translations: NullTranslations) -> None:
        self.code = code
        self.translations = translations
        self.say = translations.gettext
        self.count_word = translations.ngettext

    def count(self, one: str, many: str, number: float) -> str:
        """`1 upvote`, `31 upvotes`: the plural rule of the language, its digits grouped its way."""
        return self.count_word(one, many, round(number)) % {"count": self.number(number)}

    def number(self, value: float) -> str:
        """A whole number, grouped in thousands."""
        return _number(self.code, round(value))

    def day(self, day: date) -> str:
        """`Monday 23 November 2026`."""
        return _date(self.code, day, "full")

    def weekday(self, day: date) -> str:
        """`Tuesday`."""
        return _date(self.code, day, "EEEE")

    def short_day(self, day: date) -> str:
        """`22 Nov`, never broken across lines."""
        return _date(self.code, day, SHORT_DATES[self.code]).replace(" ", "\N{NO-BREAK SPACE}")

    def long_day(self, day: date) -> str:
        """`24 October 2026`, never broken across lines."""
        return _date(self.code, day, "long").replace(" ", "\N{NO-BREAK SPACE}")

    def quote(self, text: str) -> str:
        """The text in the language's own quotation marks."""
        return self.say("“%(text)s”") % {"text": text}


def city(zone: str) -> str:
    """How people call a time zone: `New York` for `America/New_York`, `UTC` for itself."""
    return zone.rpartition("/")[2].replace("_", " ")


@lru_cache(maxsize=4096)
def _date(code: str, day: date, form: str) -> str:
    return format_date(day, form, locale=LOCALES[code]).replace(",", "" if code == "en" else ",")


@lru_cache(maxsize=4096)
def _number(code: str, value: int) -> str:
    return str(format_decimal(value, locale=LOCALES[code]))


def get_locale(language: str) -> Locale:
    """The tongue for a language tag (`de-AT` speaks `de`); English where we have no other."""
    code = language.replace("_", "-").split("-")[0].lower()
    return _spoken(code if code in LOCALES else "en")


@cache  # by our few codes, never by what somebody wrote
def _spoken(code: str) -> Locale:
    return Locale(code, _translations(code))


def _translations(code: str) -> NullTranslations:
    """Compiled when first spoken, so that editing a catalogue needs no build step."""
    source = CATALOGUES / f"{code}.po"
    if not source.exists():
        return NullTranslations()
    compiled = BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines))
    compiled.seek(0)
    return GNUTranslations(compiled)
