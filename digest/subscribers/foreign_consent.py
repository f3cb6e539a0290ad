"""What a row of another program's file says about consent: status words, dates of leaving, flags.

Read from exports of listmonk, Mailchimp, Ghost, Buttondown, Substack, Brevo, Sendy, phpList, Keila.
In doubt a row counts as "left": a person who left must never be written to again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from digest.models import Status
from digest.models.errors import InvalidChange

MAX_SHOWN_CHARS = 40  # of a value in a note

_NO = frozenset({"false", "no", "n", "0", "off", "f", "nein", "non", "falsch", "faux", "否"})
_NOTHING = frozenset({"", "null", "none", "nil", "nan", "na", "n_a", "never", "unknown"})
_STATUS_WORDS = {
    Status.CONFIRMED: (
        "confirmed", "subscribed", "subscriber", "enabled", "active", "regular", "premium", "gifted",
        "trialed", "comped", "complimentary", "free", "paid", "unpaid", "past_due", "verified", "valid",
        "opted_in", "optin", "opt_in", "double_opt_in", "yes", "true", "1", "soft_bounced", "soft_bounce",
        "aktiv", "angemeldet", "bestätigt", "actif", "abonné", "inscrit", "activo", "suscrito",
    ),
    Status.UNCONFIRMED: (
        "unconfirmed", "pending", "nonsubscribed", "non_subscribed", "transactional", "unactivated",
        "unverified", "not_confirmed", "awaiting_confirmation", "validating", "invited", "unbestätigt",
        "en_attente", "pendiente",
    ),
    Status.PAUSED: ("paused", "pause", "snoozed", "on_hold", "pausiert"),
    Status.UNSUBSCRIBED: (
        "no", "false", "out", "churned", "expired", "inaktiv", "inactif", "inactivo", "baja",
    ),
}  # fmt: skip
_STATUSES = {word: status for status, words in _STATUS_WORDS.items() for word in words}
# Words that begin like this anywhere in a status, or in the name of a column of flags or dates.
_UNDELIVERABLE = (
    "bounce", "complain", "spam", "junk", "abuse", "clean(?:ed|_|$)", "black", "blocklist", "block(?:ed|_|$)",
    "suppress", "undeliverable", "unreachable", "invalid", "reject", "bann", "gesperrt", "bloqu",
)  # fmt: skip
_LEFT = (
    "unsub", "un_sub", "opt(?:ed)?_?out", "disab", "deactiv", "inactive", "remov", "delet", "archiv",
    "left(?:_|$)", "cancel", "quit", "withdr", "revoke", "abgemeldet", "abmeld", "abbestell", "austrag",
    "ausgetrag", "widerruf", "gekündigt", "désabon", "desabon", "désinscri", "desinscri", "baja", "desuscri",
    "退订",
)  # fmt: skip
_NOT_SUBSCRIBED = re.compile(
    r"(?:^|_)(?:not?|never|nicht|non)_(?:longer_)?(?:sub|opt|mail|activ|an|abon|ins)"
)
_GONE = re.compile(rf"(?:^|_)(?:{'|'.join(_UNDELIVERABLE)})")
_PREFIX = "(?:(?:e?_?mails?|list|user|is|was|has|hard|date|globally|global)_?)?"
_LEAVING = re.compile(rf"(?:^|_){_PREFIX}(?:{'|'.join(_LEFT)})|unsubscri|do_?not_?(?:e?_?mail|contact|send)")
_GONE_COLUMN = re.compile(rf"(?:^|_){_PREFIX}(?:{'|'.join(_UNDELIVERABLE)})")
# Columns that say nothing about one person's consent: links, counters, soft bounces, paid plans.
_IRRELEVANT = re.compile(
    r"(?:^|_)(?:url|urls|link|links|href|token|hash|key|code|counts?|number|num|total|rate|percent|soft|ip"
    r"|bounces|complaints|paid|plan|sms|phone|whatsapp|push|cookies?|tracking|partner)(?:_|$)"
    r"|count$|^list_unsubscribe$|^last_bounce"
)
_POSITIVE = re.compile(
    r"(?:^|_)(?:subscribed|subscription|opt(?:ed)?_?in|consent\w*|enabled|active|mailable|marketable|contactable"
    r"|accepts?|receives?|permission|newsletters?|subscriber|aktiv|angemeldet|abonné|inscrit|suscrito)(?:_|$)"
)
_CONFIRMED_COLUMN = re.compile(r"(?:^|_)(?:confirmed|verified|activated|bestätigt)(?:_|$)")
_PLAN = re.compile(r"(?:^|_)(?:active_subscription|double_opt_?in|complimentary|premium|paying)(?:_|$)")
_STATUS_COLUMN = re.compile(r"(?:^|_)status$|^subscriber_(?:type|state)$|^subscription_(?:type|state)$")
# May as well be a federal state or a kind of customer.
_LOOSE_STATUS_COLUMN = re.compile(r"(?:^|_)(?:state|type)$")
_ZERO_DATE = re.compile(r"0000[0_]*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ORDER = (Status.UNSUBSCRIBED, Status.UNCONFIRMED, Status.PAUSED, Status.CONFIRMED)


_COLUMN_KINDS = (
    (_STATUS_COLUMN, "status"),
    (_IRRELEVANT, ""),
    (_PLAN, ""),
    (_GONE_COLUMN, "gone"),
    (_LEAVING, "left"),
    (_NOT_SUBSCRIBED, "left"),
    (_CONFIRMED_COLUMN, "confirmed"),
    (_POSITIVE, "positive"),
    (_LOOSE_STATUS_COLUMN, "loose"),
)


@dataclass(frozen=True, slots=True)
class ForeignConsent:
    """The status that a row claims, whether its address is suppressed, and which column says so."""

    status: Status | None = None
    is_suppressed: bool = False
    evidence: str = ""  # like `email_disabled "true"`


def read_consent(values: Mapping[str, object]) -> ForeignConsent:
    """Return what the columns of a row, by normalized name, say about consent; the strictest one counts.

    Raises:
        InvalidChange: a column called status has a word that is not known.
    """
    found = [consent for name, value in values.items() if (consent := _read_column(name, value))]
    suppressed = [consent for consent in found if consent.is_suppressed]
    by_status = {consent.status: consent for consent in reversed(found)}
    return next(
        iter(suppressed or [by_status[status] for status in _ORDER if status in by_status]), ForeignConsent()
    )


def normalize_name(text: str) -> str:
    """Return a column name or status word in small letters, with _ for everything between its words."""
    return re.sub(r"\W+", "_", _CAMEL.sub("_", text.strip()).lower()).strip("_")


def _read_column(name: str, value: object) -> ForeignConsent | None:
    if isinstance(value, list | tuple):
        return _read_lists(value)
    text = str(value).strip()
    word, kind = normalize_name(text), _classify_column(name)
    if not kind or word in _NOTHING or _ZERO_DATE.fullmatch(word):
        return None
    result = _judge(kind, word)
    return _describe(name, text, *result) if result else None


def _judge(kind: str, word: str) -> tuple[Status, bool] | None:
    """Return status and suppression that a word means in a kind of column; None if it says nothing."""
    result: tuple[Status, bool] | None = None
    if kind == "status":
        result = _parse_status(word)
    elif kind == "loose":
        result = _parse_known_status(word)
    elif kind in ("gone", "left") and word not in _NO:  # a flag, or the date or reason of leaving
        result = Status.UNSUBSCRIBED, kind == "gone"
    elif kind == "positive" and (word in _NO or _is_leaving(word)):
        result = Status.UNSUBSCRIBED, _is_gone(word)
    elif kind == "confirmed" and word in _NO:
        result = Status.UNCONFIRMED, False
    return result


def _read_lists(items: list[object] | tuple[object, ...]) -> ForeignConsent | None:
    """Read the mailing lists of a row from listmonk's API: left if every one was left."""
    words = [
        normalize_name(str(item["subscription_status"]))
        for item in items
        if isinstance(item, Mapping) and item.get("subscription_status")
    ]
    if words and all(_is_leaving(word) for word in words):
        return _describe("lists", words[0], Status.UNSUBSCRIBED, False)
    return None


def _describe(name: str, text: str, status: Status, is_suppressed: bool) -> ForeignConsent:  # noqa: FBT001
    shown = text if len(text) <= MAX_SHOWN_CHARS else f"{text[: MAX_SHOWN_CHARS - 1]}…"
    return ForeignConsent(status, is_suppressed, f"{name} “{shown}”")


def says_consent(name: str) -> bool:
    """Return whether a column of this normalized name is read for what it says about consent."""
    return bool(_classify_column(name))


@lru_cache(maxsize=1024)  # each row has the columns of its header
def _classify_column(name: str) -> str:
    """Return what a column's values mean: status, loose, gone, left, positive, confirmed, or nothing."""
    return next((kind for pattern, kind in _COLUMN_KINDS if pattern.search(name)), "")


def _parse_status(word: str) -> tuple[Status, bool]:
    match = _parse_known_status(word)
    if match is None:
        raise InvalidChange(
            f"There is no status {word[:MAX_SHOWN_CHARS]!r}; there are {', '.join(Status)}, "
            "and the words of other programs for these."
        )
    return match


def _parse_known_status(word: str) -> tuple[Status, bool] | None:
    """Return status and suppression of a status word; None if it is not known."""
    if word in _STATUSES:
        return _STATUSES[word], False
    if _is_leaving(word):
        return Status.UNSUBSCRIBED, _is_gone(word)
    return None


def _is_leaving(word: str) -> bool:
    return bool(_GONE.search(word) or _LEAVING.search(word) or _NOT_SUBSCRIBED.search(word))


def _is_gone(word: str) -> bool:
    return bool(_GONE.search(word))
