"""Sentences about a paper: its authors, the reason it was picked, and why it trends."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache

from digest.mail.locale import Locale, gettext_noop, ngettext_noop
from digest.models import Heat, Paper, Pick, Profile, Reason, ReasonKind, Section, SignalKind
from digest.models.arxiv_categories import CATEGORY_NAMES
from digest.models.editions import NewsKind, PaperNews
from digest.models.text import clean, shorten

MAX_REASON_CHARS = 90
MAX_TOPICS_CHARS = 160
MAX_CATEGORY_CHARS = 50
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"  # so that no line begins with a dot, and none ends with a number
MIN_USUAL, MIN_VOTES = 3, 10  # below these, "5× the usual" would be noise
SIGNAL_NOUNS = {
    SignalKind.UPVOTES: ngettext_noop("%(count)s upvote", "%(count)s upvotes"),
    SignalKind.COMMENTS: ngettext_noop("%(count)s comment", "%(count)s comments"),
    SignalKind.STARS: ngettext_noop("%(count)s star", "%(count)s stars"),
    SignalKind.POINTS: ngettext_noop("%(count)s point on Hacker News", "%(count)s points on Hacker News"),
    SignalKind.CITATIONS: ngettext_noop("%(count)s citation", "%(count)s citations"),
    SignalKind.MODELS: ngettext_noop("%(count)s model", "%(count)s models"),
    SignalKind.DATASETS: ngettext_noop("%(count)s dataset", "%(count)s datasets"),
    SignalKind.SPACES: ngettext_noop("%(count)s Space", "%(count)s Spaces"),
}


NEWS_MESSAGES = {
    NewsKind.WITHDRAWN: gettext_noop("Withdrawn or retracted"),
    NewsKind.PUBLISHED: gettext_noop("Published in a journal"),
    NewsKind.CODE: gettext_noop("Code is available"),
    NewsKind.REVISED: gettext_noop("New version with another abstract"),
}


def list_topics(profile: Profile) -> str:
    """Return the topics of a profile, shortened to 160 characters; empty without topics."""
    topics = (*profile.keywords, *(facet.name for facet in profile.facets))
    return shorten(clean(", ".join(topics)), MAX_TOPICS_CHARS)


def format_byline(locale: Locale, authors: tuple[str, ...]) -> str:
    """Return `Ada Loveless, Bo Chen and 3 others`."""
    first, second = (shorten(clean(name), 60) for name in (*authors, "", "")[:2])
    if len(authors) <= 1:
        return first
    if len(authors) == 2:
        return locale.gettext("%(first)s and %(second)s") % {"first": first, "second": second}
    others = locale.format_count("%(count)s other", "%(count)s others", len(authors) - 2)
    names = {"first": first, "second": second, "others": others.replace(" ", NO_BREAK_SPACE)}
    return locale.gettext("%(first)s, %(second)s and %(others)s") % names


def format_meta(locale: Locale, paper: Paper, *, with_date: bool = True) -> str:
    """Return `Ada Loveless, Bo Chen and 3 others · Robotics · 22 Nov`, with what is known of it."""
    published = ""
    if with_date and paper.published:
        published = locale.format_short_day(paper.published.date())
    parts = (format_byline(locale, paper.authors), _format_category(locale, paper.category), published)
    return f"{NO_BREAK_SPACE}· ".join(filter(None, parts))


def name_category(locale: Locale, code: str) -> str:
    """Return the name of an arXiv category (`Robotik` for cs.RO), and any other name as it is."""
    name = CATEGORY_NAMES.get(code)
    return locale.gettext(name) if name else code


def _format_category(locale: Locale, code: str) -> str:
    return shorten(clean(name_category(locale, code)), MAX_CATEGORY_CHARS)


def describe_news(locale: Locale, news: PaperNews) -> str:
    """Return what happened to a paper."""
    if news.kind is NewsKind.REVISED and news.new_title:
        title = locale.quote(clean(news.new_title))
        return locale.gettext("New version, now called %(title)s") % {"title": title}
    return locale.gettext(NEWS_MESSAGES[news.kind])


def format_votes(locale: Locale, heat: Heat) -> str:
    """Return `167 upvotes`; empty below one."""
    return _format_count(locale, heat, heat.votes) if heat.votes and heat.votes >= 1 else ""


def format_repositories(locale: Locale, heat: Heat) -> str:
    """Return `12 models, 3 datasets, 1 Space`, which cite a paper on Hugging Face; empty if nothing does."""
    counts = {
        SignalKind.MODELS: heat.models, SignalKind.DATASETS: heat.datasets, SignalKind.SPACES: heat.spaces
    }  # fmt: skip
    return ", ".join(
        locale.format_count(*SIGNAL_NOUNS[kind], count).replace(" ", NO_BREAK_SPACE)
        for kind, count in counts.items()
        if count
    )


def _format_count(locale: Locale, heat: Heat, number: float) -> str:
    """Return a number with the noun of what this heat counts."""
    return locale.format_count(*SIGNAL_NOUNS[heat.kind or SignalKind.UPVOTES], number)


def describe_reason(locale: Locale, pick: Pick, day: date) -> str:
    """Return why a paper is in the edition, in at most 90 characters, or "" without evidence.

    It is the same for every reader for a trending paper, and personal for the others.
    """
    is_trend = pick.section is Section.TRENDING or pick.reason.because is ReasonKind.TREND
    if is_trend or pick.heat.broke_out_from is not None:
        return describe_trend(locale, pick.heat, day, has_code=bool(pick.paper.code_url))
    return describe_evidence(locale, pick.section, pick.reason, day)


def describe_evidence(locale: Locale, section: Section, reason: Reason, day: date) -> str:
    """Return a reason that has nothing to do with votes, as `describe_reason` does."""
    if section is Section.ALSO_NEW and reason.because is ReasonKind.CATEGORY:
        return locale.gettext("in a category you follow")  # its name stands beside
    evidence = _first_fitting(_evidence_variants(locale, reason))
    return _first_fitting((evidence + _format_held_since(locale, reason, day), evidence)) if evidence else ""


def describe_trend(locale: Locale, heat: Heat, day: date, *, has_code: bool = False) -> str:
    """Return why a paper trends: its votes, how that compares with the usual, and the forecast."""
    if heat.broke_out_from is not None:
        return _describe_breakout(locale, heat, day)
    if heat.content_prior or not heat.votes or heat.votes < 1:
        return _describe_prior(locale, heat, has_code=has_code)
    if heat.hours is not None and heat.hours < 24:
        return _describe_first_day(locale, heat, heat.hours)
    return _describe_gain(locale, heat)


def _describe_breakout(locale: Locale, heat: Heat, day: date) -> str:
    votes = heat.votes or 0
    return _first_fitting(
        _format_breakout(locale, heat, day, now)
        for now in (_format_count(locale, heat, votes), locale.format_number(votes))
    )


def _format_breakout(locale: Locale, heat: Heat, day: date, now: str) -> str:
    numbers = {"before": locale.format_number(heat.broke_out_from or 0), "now": now}
    if heat.broke_out_on is None:
        return locale.gettext("broke out since we sent it: was %(before)s, now %(now)s") % numbers
    if (day - heat.broke_out_on).days < 7:
        numbers["day"] = locale.format_weekday(heat.broke_out_on)
        return locale.gettext("broke out since we sent it: was %(before)s on %(day)s, now %(now)s") % numbers
    numbers["date"] = locale.format_short_day(heat.broke_out_on)
    return locale.gettext("broke out since we sent it: was %(before)s on %(date)s, now %(now)s") % numbers


def _describe_prior(locale: Locale, heat: Heat, *, has_code: bool) -> str:
    code = locale.gettext("; code linked") if has_code else ""
    if heat.author_votes is not None and heat.author_votes >= MIN_VOTES:
        rounded_down = int(heat.author_votes // 10) * 10  # so that "40+" stays true
        numbers = {"votes": locale.format_number(rounded_down)}
        return locale.gettext("new: its authors’ earlier papers drew %(votes)s+ upvotes") % numbers + code
    return locale.gettext("new: too recent for votes") + code


def _describe_first_day(locale: Locale, heat: Heat, hours: float) -> str:
    votes = locale.ngettext(
        "%(votes)s in its first hour", "%(votes)s in its first %(hours)s hours", max(1, round(hours))
    ) % {"votes": format_votes(locale, heat), "hours": locale.format_number(max(1, hours))}
    ratio = _format_ratio(locale, heat.votes, heat.usual)
    comparison = ratio and locale.gettext(", %(times)s× the usual %(usual)s") % {
        "times": ratio,
        "usual": locale.format_number(heat.usual or 0),
    }
    forecast = ""
    if heat.expected >= MIN_VOTES and 0 < heat.low < heat.high:
        forecast = locale.gettext("; on course for about %(expected)s (%(low)s–%(high)s)") % {
            "expected": locale.format_number(heat.expected),
            "low": locale.format_number(heat.low),
            "high": locale.format_number(heat.high),
        }
    return _first_fitting((votes + comparison + forecast, votes + comparison, votes + forecast, votes))


def _describe_gain(locale: Locale, heat: Heat) -> str:
    """Return the total with its comparison, and what the last day brought with its own."""
    votes = format_votes(locale, heat)
    total = votes + _compare_total(locale, heat)
    if heat.gained is None or heat.gained < 1:
        return total
    gain = locale.gettext("+%(gain)s since yesterday") % {"gain": locale.format_number(heat.gained)}
    if ratio := _format_ratio(locale, heat.gained, heat.usual_gain):
        compared = gain + locale.gettext(", %(times)s× the usual") % {"times": ratio}
        return locale.gettext("%(first)s; %(second)s") % {"first": votes, "second": compared}
    both = locale.gettext("%(first)s; %(second)s") % {"first": total, "second": gain}
    return _first_fitting((both, total, votes))


def _compare_total(locale: Locale, heat: Heat) -> str:
    ratio = _format_ratio(locale, heat.votes, heat.usual)
    numbers = {"times": ratio, "usual": locale.format_number(heat.usual or 0)}
    return locale.gettext(", %(times)s× the usual %(usual)s at this age") % numbers if ratio else ""


def _format_ratio(locale: Locale, count: float | None, usual: float | None) -> str:
    """Return how many times the usual a count is; empty if either is too small or the ratio below 2."""
    if not count or not usual or usual < MIN_USUAL or count < MIN_VOTES:
        return ""
    ratio = round(count / usual)
    return locale.format_number(ratio) if ratio >= 2 else ""


def _evidence_variants(locale: Locale, reason: Reason) -> Iterator[str]:
    """Yield sentences for a reason, the fullest first."""
    match reason.because:
        case ReasonKind.TERMS:
            terms = [quoted for term in reason.terms[:3] if (quoted := _quote_term(locale, term))]
            for number in range(len(terms), 0, -1):
                yield locale.gettext("matches %(terms)s") % {"terms": _format_list(locale, terms[:number])}
        case ReasonKind.LIKED if reason.liked_title:
            for length in (60, 50):
                title = locale.quote(shorten(clean(reason.liked_title), length))
                yield locale.gettext("similar to %(title)s, which you liked") % {"title": title}
        case ReasonKind.AUTHOR if reason.author:
            author = shorten(clean(reason.author), 50)
            yield locale.gettext("by %(author)s, whom you follow") % {"author": author}
        case ReasonKind.CATEGORY if reason.category:
            category = _format_category(locale, reason.category)
            yield locale.gettext("new in %(category)s, which you follow") % {"category": category}
        case ReasonKind.FACET if reason.facet:
            name = locale.quote(shorten(clean(reason.facet), 50))
            yield locale.gettext("for your interest %(name)s") % {"name": name}
        case ReasonKind.EXPLORATION:
            yield locale.gettext("outside your usual topics; you might like it")
        case ReasonKind.NEW if reason.category:
            category = _format_category(locale, reason.category)
            yield locale.gettext("new in %(category)s") % {"category": category}


def _format_list(locale: Locale, terms: Sequence[str]) -> str:
    """Return `“a”`, `“a” and “b”` or `“a”, “b” and “c”` of terms in quotation marks."""
    first, *rest = terms
    if not rest:
        return first
    if len(rest) == 1:
        return locale.gettext("%(first)s and %(second)s") % {"first": first, "second": rest[0]}
    fields = {"first": first, "second": rest[0], "others": rest[1]}
    return locale.gettext("%(first)s, %(second)s and %(others)s") % fields


@lru_cache(maxsize=4096)  # a reader's keywords come in many reasons
def _quote_term(locale: Locale, term: str) -> str:
    """Return a term in quotation marks; empty if nothing of it is seen."""
    shown = shorten(clean(term), 60)
    return locale.quote(shown) if shown else ""


def _format_held_since(locale: Locale, reason: Reason, day: date) -> str:
    if reason.held_since is None or reason.held_since >= day:
        return ""
    format_since = locale.format_weekday if (day - reason.held_since).days < 7 else locale.format_short_day
    return locale.gettext("; kept for you since %(day)s") % {"day": format_since(reason.held_since)}


def _first_fitting(variants: Iterable[str]) -> str:
    """Return the first variant that is short enough, else the last one shortened."""
    variant = ""
    for variant in variants:
        if len(variant) <= MAX_REASON_CHARS:
            return variant
    return shorten(variant, MAX_REASON_CHARS)
