"""The language of the page that is being made: the reader's preference, else what the browser asks for.

The middleware sets it from the Accept-Language header of each request; a handler that knows the reader sets
it to their preference. Pages of the administration are in English whatever it is.
"""

from collections.abc import Mapping
from contextvars import ContextVar

from digest.mail.locale import LANGUAGES, Locale, get_locale, gettext_noop
from digest.models.errors import DigestError, Phrase

MAX_HEADER_CHARS = 500
LANGUAGE_NAMES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "zh": "中文"}

FIELD_LABELS = {  # of settings that messages name
    "keywords": gettext_noop("Topics and keywords"),
    "text": gettext_noop("In your own words"),
    "authors": gettext_noop("Authors"),
    "categories": gettext_noop("Categories"),
    "muted": gettext_noop("Words to exclude"),
    "trending": gettext_noop("Trending"),
    "picked": gettext_noop("Picked for you, at most"),
    "also_new": gettext_noop("Also new, at most"),
    "weekday": gettext_noop("Day, if weekly"),
    "frequency": gettext_noop("How often"),
    "threshold": gettext_noop("How well picked papers must match"),
    "mix": gettext_noop("Mix"),
    "paused_until": gettext_noop("Pause until"),
    "send_at": gettext_noop("Time"),
}

_language: ContextVar[str] = ContextVar("page_language", default="en")


def choose_language(accept_language: str) -> str:
    """Return our language that an Accept-Language header (RFC 9110, 12.5.4) prefers; English if none."""
    wanted: dict[str, float] = {}
    for item in accept_language[:MAX_HEADER_CHARS].split(","):
        tag, _, quality = item.partition(";q=")
        code = tag.strip().partition("-")[0].lower()
        if code in LANGUAGES:
            wanted[code] = max(wanted.get(code, 0), _parse_quality(quality))
    best = max(wanted, key=lambda code: wanted[code], default="en")
    return best if wanted.get(best) else "en"


def _parse_quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text.strip() else 1.0
    except ValueError:
        return 0.0


def set_page_language(language: str) -> None:
    """Set the language of this request's pages, by a tag such as `de` or `de-AT`."""
    _language.set(language)


def get_page_locale() -> Locale:
    """Return the locale of this request's pages."""
    return get_locale(_language.get())


def gettext(text: str) -> str:
    """Return a text in the language of this request's pages."""
    return get_page_locale().gettext(text)


def translate_error(error: DigestError) -> str:
    """Return the message of an error in the language of the page, with the labels of the settings it names.

    An error that is not in the catalogue is the general one of its class.
    """
    locale = get_page_locale()
    general = (type(error).__doc__ or "").strip()
    is_known = locale.code == "en" or locale.gettext(error.template) != error.template
    if not is_known:
        return locale.gettext(general)
    return _translate(locale, error.template, error.names)


def _translate(locale: Locale, template: str, names: Mapping[str, object]) -> str:
    values = {name: _translate_value(locale, value) for name, value in names.items()}
    return locale.gettext(template) % values if values else locale.gettext(template)


def _translate_value(locale: Locale, value: object) -> object:
    if isinstance(value, Phrase):
        return _translate(locale, value.template, value.names)
    label = FIELD_LABELS.get(str(value))
    return locale.quote(locale.gettext(label)) if label else value
