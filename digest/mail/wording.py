"""What do we say about a paper? Its evidence in words: who wrote it, why it is here, how hot it is."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from digest.mail.locale import Locale, plural
from digest.models import Heat, Paper, Pick, Profile, Reason, ReasonKind, SignalKind
from digest.models.text import clean, shorten

LONGEST_WHY = 90
LONGEST_TOPICS = 160
UNBROKEN = "\N{NO-BREAK SPACE}"  # no line begins with a dot, and no number ends one
ENOUGH_USUAL, ENOUGH_VOTES = 3, 10  # below these, "5× the usual" would be noise


def named(profile: Profile) -> str:
    """The topics a reader named, as far as they fit on a line; nothing where there are none."""
    topics = (*profile.keywords, *(facet.name for facet in profile.facets))
    return shorten(clean(", ".join(topics)), LONGEST_TOPICS)


def byline(locale: Locale, authors: tuple[str, ...]) -> str:
    """`Ada Loveless, Bo Chen and 3 others`."""
    first, second = (shorten(clean(name), 60) for name in (*authors, "", "")[:2])
    if len(authors) <= 1:
        return first
    if len(authors) == 2:
        return locale.say("%(first)s and %(second)s") % {"first": first, "second": second}
    others = locale.count("%(count)s other", "%(count)s others", len(authors) - 2)
    return locale.say("%(first)s, %(second)s and %(others)s") % {
        "first": first,
        "second": second,
        "others": others.replace(" ", UNBROKEN),
    }


def meta(locale: Locale, paper: Paper, heat: Heat, *, told: bool = False) -> str:
    """`Ada Loveless, Bo Chen and 3 others, cs.CL, 22 Nov · 167 upvotes`; no count if `told` already."""
    published = locale.short_day(paper.published.date()) if paper.published else ""
    facts = [byline(locale, paper.authors), shorten(clean(paper.category), 40), published]
    line = locale.say(", ").join(fact for fact in facts if fact)
    counted = "" if told else votes(locale, heat).replace(" ", UNBROKEN)
    return f"{UNBROKEN}· ".join(part for part in (line, counted) if part)


def votes(locale: Locale, heat: Heat) -> str:
    """`167 upvotes`, or nothing where nothing was counted."""
    return _counted(locale, heat, heat.votes) if heat.votes and heat.votes >= 1 else ""


def _counted(locale: Locale, heat: Heat, number: float) -> str:
    """So many of what this heat counts."""
    return locale.count(*NOUNS[heat.kind or SignalKind.UPVOTES], number)


NOUNS = {
    SignalKind.UPVOTES: plural("%(count)s upvote", "%(count)s upvotes"),
    SignalKind.COMMENTS: plural("%(count)s comment", "%(count)s comments"),
    SignalKind.STARS: plural("%(count)s star", "%(count)s stars"),
    SignalKind.POINTS: plural("%(count)s point", "%(count)s points"),
    SignalKind.CITATIONS: plural("%(count)s citation", "%(count)s citations"),
}


def why(locale: Locale, pick: Pick, day: date) -> str:
    """The true reason for a pick in at most 90 characters, or nothing."""
    if pick.heat.broke_out_from is not None or pick.reason.because is ReasonKind.TREND:
        return trend(locale, pick.heat, day, has_code=bool(pick.paper.code_url))
    return _told(locale, pick.reason, day)


@lru_cache(maxsize=4096)
def _told(locale: Locale, reason: Reason, day: date) -> str:
    """Many readers share a reason."""
    told = _fitting(_evidence(locale, reason))
    return _fitting((told + _held(locale, reason, day), told)) if told else ""


def trend(locale: Locale, heat: Heat, day: date, *, has_code: bool = False) -> str:
    """Why a paper is hot: what it drew, against the usual, and where that leads."""
    if heat.broke_out_from is not None:
        return _breakout(locale, heat, day)
    if heat.content_prior or not heat.votes or heat.votes < 1:
        return _promise(locale, heat, has_code=has_code)
    if heat.hours is not None and heat.hours < 24:
        return _first_hours(locale, heat, heat.hours)
    return _gain(locale, heat)


def tells_votes(heat: Heat) -> bool:
    """Does the trend line itself name the count, so that the meta line need not?"""
    young = heat.hours is not None and heat.hours < 24
    return heat.broke_out_from is not None or (young and not heat.content_prior)


def _breakout(locale: Locale, heat: Heat, day: date) -> str:
    votes = heat.votes or 0
    return _fitting(
        _since_sent(locale, heat, day, now) for now in (_counted(locale, heat, votes), locale.number(votes))
    )


def _since_sent(locale: Locale, heat: Heat, day: date, now: str) -> str:
    numbers = {"before": locale.number(heat.broke_out_from or 0), "now": now}
    if heat.broke_out_on is None:
        return locale.say("broke out since we sent it: was %(before)s, now %(now)s") % numbers
    if (day - heat.broke_out_on).days < 7:
        numbers["day"] = locale.weekday(heat.broke_out_on)
        return locale.say("broke out since we sent it: was %(before)s on %(day)s, now %(now)s") % numbers
    numbers["date"] = locale.short_day(heat.broke_out_on)
    return locale.say("broke out since we sent it: was %(before)s on %(date)s, now %(now)s") % numbers


def _promise(locale: Locale, heat: Heat, *, has_code: bool) -> str:
    code = locale.say("; code linked") if has_code else ""
    if heat.author_votes is not None and heat.author_votes >= ENOUGH_VOTES:
        drew = {"votes": locale.number(_rounded_down(heat.author_votes))}
        return locale.say("new: its authors’ earlier papers drew %(votes)s+ upvotes") % drew + code
    return locale.say("new: too young for votes") + code


def _first_hours(locale: Locale, heat: Heat, hours: float) -> str:
    told = locale.count_word(
        "%(votes)s in its first hour", "%(votes)s in its first %(hours)s hours", max(1, round(hours))
    ) % {"votes": votes(locale, heat), "hours": locale.number(max(1, hours))}
    ratio = _times(locale, heat.votes, heat.usual)
    against = ratio and locale.say(", %(times)s× the usual %(usual)s") % {
        "times": ratio,
        "usual": locale.number(heat.usual or 0),
    }
    course = ""
    if heat.expected >= ENOUGH_VOTES and 0 < heat.low < heat.high:
        course = locale.say("; on course for about %(expected)s (%(low)s–%(high)s)") % {
            "expected": locale.number(heat.expected),
            "low": locale.number(heat.low),
            "high": locale.number(heat.high),
        }
    return _fitting((told + against + course, told + against, told + course, told))


def _gain(locale: Locale, heat: Heat) -> str:
    """What the last day brought where that says something, and else where the paper stands by now."""
    standing = _standing(locale, heat)
    if heat.gained is None or heat.gained < 1:
        return standing
    told = locale.say("+%(gain)s since yesterday") % {"gain": _counted(locale, heat, heat.gained)}
    if ratio := _times(locale, heat.gained, heat.usual_gain):
        return told + locale.say(", %(times)s× the usual") % {"times": ratio}
    return locale.say("%(first)s; %(second)s") % {"first": told, "second": standing} if standing else told


def _standing(locale: Locale, heat: Heat) -> str:
    ratio = _times(locale, heat.votes, heat.usual)
    numbers = {"times": ratio, "usual": locale.number(heat.usual or 0)}
    return locale.say("%(times)s× the usual %(usual)s at this age") % numbers if ratio else ""


def _times(locale: Locale, count: float | None, usual: float | None) -> str:
    """How many times the usual, if both numbers are large enough for that to mean something."""
    if not count or not usual or usual < ENOUGH_USUAL or count < ENOUGH_VOTES:
        return ""
    times = round(count / usual)
    return locale.number(times) if times >= 2 else ""


def _rounded_down(votes: float) -> int:
    """43 -> 40, 167 -> 160, so that "40+" stays true."""
    return int(votes // 10) * 10


def _evidence(locale: Locale, reason: Reason) -> Iterator[str]:
    """Ways to say the reason, the fullest first."""
    match reason.because:
        case ReasonKind.TERMS:
            terms = [term for term in map(clean, reason.terms[:3]) if term]
            for number in range(len(terms), 0, -1):
                yield locale.say("matches %(terms)s") % {"terms": _listed(locale, terms[:number])}
        case ReasonKind.LIKED if reason.liked_title:
            for length in (60, 50):
                title = locale.quote(shorten(clean(reason.liked_title), length))
                yield locale.say("similar to %(title)s, which you liked") % {"title": title}
        case ReasonKind.AUTHOR if reason.author:
            yield locale.say("by %(author)s, whom you follow") % {"author": shorten(clean(reason.author), 50)}
        case ReasonKind.CATEGORY if reason.category:
            yield locale.say("new in %(category)s, which you follow") % {
                "category": clean(reason.category)[:40]
            }
        case ReasonKind.FACET if reason.facet:
            yield locale.say("for your interest %(name)s") % {
                "name": locale.quote(shorten(clean(reason.facet), 50))
            }
        case ReasonKind.EXPLORATION:
            yield locale.say("a little off your path; you might like it")
        case ReasonKind.NEW if reason.category:
            yield locale.say("new in %(category)s") % {"category": clean(reason.category)[:40]}


def _listed(locale: Locale, terms: Sequence[str]) -> str:
    """`“diffusion”`, `“diffusion” and “sampling”`, `“a”, “b” and “c”`."""
    first, *rest = (locale.quote(shorten(term, 60)) for term in terms)
    if not rest:
        return first
    if len(rest) == 1:
        return locale.say("%(first)s and %(second)s") % {"first": first, "second": rest[0]}
    named = {"first": first, "second": rest[0], "others": rest[1]}
    return locale.say("%(first)s, %(second)s and %(others)s") % named


def _held(locale: Locale, reason: Reason, day: date) -> str:
    if reason.held_since is None or reason.held_since >= day:
        return ""
    since = locale.weekday if (day - reason.held_since).days < 7 else locale.short_day
    return locale.say("; kept for you since %(day)s") % {"day": since(reason.held_since)}


def _fitting(ways: "Iterator[str] | tuple[str, ...]") -> str:
    """The first way to say it that is short enough."""
    way = ""
    for way in ways:
        if len(way) <= LONGEST_WHY:
            return way
    return shorten(way, LONGEST_WHY)
