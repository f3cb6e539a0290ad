"""What do we say about a paper? Its evidence in words: who wrote it, why it is here, how hot it is."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from digest.mail.locale import Tongue, plural
from digest.models import Because, Heat, Paper, Pick, Profile, Reason, SignalKind
from digest.models.text import clean, shorten

LONGEST_WHY = 90
LONGEST_TOPICS = 160
UNBROKEN = "\N{NO-BREAK SPACE}"  # no line begins with a dot, and no number ends one
ENOUGH_USUAL, ENOUGH_VOTES = 3, 10  # below these, "5× the usual" would be noise


def named(profile: Profile) -> str:
    """The topics a reader named, as far as they fit on a line; nothing where there are none."""
    topics = (*profile.keywords, *(facet.name for facet in profile.facets))
    return shorten(clean(", ".join(topics)), LONGEST_TOPICS)


def byline(tongue: Tongue, authors: tuple[str, ...]) -> str:
    """`Ada Loveless, Bo Chen and 3 others`."""
    first, second = (shorten(clean(name), 60) for name in (*authors, "", "")[:2])
    if len(authors) <= 1:
        return first
    if len(authors) == 2:
        return tongue.say("%(first)s and %(second)s") % {"first": first, "second": second}
    others = tongue.count("%(count)s other", "%(count)s others", len(authors) - 2)
    return tongue.say("%(first)s, %(second)s and %(others)s") % {
        "first": first,
        "second": second,
        "others": others.replace(" ", UNBROKEN),
    }


def meta(tongue: Tongue, paper: Paper, heat: Heat, *, told: bool = False) -> str:
    """`Ada Loveless, Bo Chen and 3 others, cs.CL, 22 Nov · 167 upvotes`; no count if `told` already."""
    published = tongue.short_day(paper.published.date()) if paper.published else ""
    facts = [byline(tongue, paper.authors), shorten(clean(paper.category), 40), published]
    line = tongue.say(", ").join(fact for fact in facts if fact)
    counted = "" if told else votes(tongue, heat).replace(" ", UNBROKEN)
    return f"{UNBROKEN}· ".join(part for part in (line, counted) if part)


def votes(tongue: Tongue, heat: Heat) -> str:
    """`167 upvotes`, or nothing where nothing was counted."""
    return _counted(tongue, heat, heat.votes) if heat.votes and heat.votes >= 1 else ""


def _counted(tongue: Tongue, heat: Heat, number: float) -> str:
    """So many of what this heat counts."""
    return tongue.count(*NOUNS[heat.kind or SignalKind.UPVOTES], number)


NOUNS = {
    SignalKind.UPVOTES: plural("%(count)s upvote", "%(count)s upvotes"),
    SignalKind.COMMENTS: plural("%(count)s comment", "%(count)s comments"),
    SignalKind.STARS: plural("%(count)s star", "%(count)s stars"),
    SignalKind.POINTS: plural("%(count)s point", "%(count)s points"),
    SignalKind.CITATIONS: plural("%(count)s citation", "%(count)s citations"),
}


def why(tongue: Tongue, pick: Pick, day: date) -> str:
    """The true reason for a pick in at most 90 characters, or nothing."""
    if pick.heat.broke_out_from is not None or pick.reason.because is Because.TREND:
        return trend(tongue, pick.heat, day, has_code=bool(pick.paper.code_url))
    return _told(tongue, pick.reason, day)


@lru_cache(maxsize=4096)
def _told(tongue: Tongue, reason: Reason, day: date) -> str:
    """Many readers share a reason."""
    told = _fitting(_evidence(tongue, reason))
    return _fitting((told + _held(tongue, reason, day), told)) if told else ""


def trend(tongue: Tongue, heat: Heat, day: date, *, has_code: bool = False) -> str:
    """Why a paper is hot: what it drew, against the usual, and where that leads."""
    if heat.broke_out_from is not None:
        return _breakout(tongue, heat, day)
    if heat.content_prior or not heat.votes or heat.votes < 1:
        return _promise(tongue, heat, has_code=has_code)
    if heat.hours is not None and heat.hours < 24:
        return _first_hours(tongue, heat, heat.hours)
    return _gain(tongue, heat)


def tells_votes(heat: Heat) -> bool:
    """Does the trend line itself name the count, so that the meta line need not?"""
    young = heat.hours is not None and heat.hours < 24
    return heat.broke_out_from is not None or (young and not heat.content_prior)


def _breakout(tongue: Tongue, heat: Heat, day: date) -> str:
    votes = heat.votes or 0
    return _fitting(
        _since_sent(tongue, heat, day, now) for now in (_counted(tongue, heat, votes), tongue.number(votes))
    )


def _since_sent(tongue: Tongue, heat: Heat, day: date, now: str) -> str:
    numbers = {"before": tongue.number(heat.broke_out_from or 0), "now": now}
    if heat.broke_out_on is None:
        return tongue.say("broke out since we sent it: was %(before)s, now %(now)s") % numbers
    if (day - heat.broke_out_on).days < 7:
        numbers["day"] = tongue.weekday(heat.broke_out_on)
        return tongue.say("broke out since we sent it: was %(before)s on %(day)s, now %(now)s") % numbers
    numbers["date"] = tongue.short_day(heat.broke_out_on)
    return tongue.say("broke out since we sent it: was %(before)s on %(date)s, now %(now)s") % numbers


def _promise(tongue: Tongue, heat: Heat, *, has_code: bool) -> str:
    code = tongue.say("; code linked") if has_code else ""
    if heat.author_votes is not None and heat.author_votes >= ENOUGH_VOTES:
        drew = {"votes": tongue.number(_rounded_down(heat.author_votes))}
        return tongue.say("new: its authors’ earlier papers drew %(votes)s+ upvotes") % drew + code
    return tongue.say("new: too young for votes") + code


def _first_hours(tongue: Tongue, heat: Heat, hours: float) -> str:
    told = tongue.count_word(
        "%(votes)s in its first hour", "%(votes)s in its first %(hours)s hours", max(1, round(hours))
    ) % {"votes": votes(tongue, heat), "hours": tongue.number(max(1, hours))}
    ratio = _times(tongue, heat.votes, heat.usual)
    against = ratio and tongue.say(", %(times)s× the usual %(usual)s") % {
        "times": ratio,
        "usual": tongue.number(heat.usual or 0),
    }
    course = ""
    if heat.expected >= ENOUGH_VOTES and 0 < heat.low < heat.high:
        course = tongue.say("; on course for about %(expected)s (%(low)s–%(high)s)") % {
            "expected": tongue.number(heat.expected),
            "low": tongue.number(heat.low),
            "high": tongue.number(heat.high),
        }
    return _fitting((told + against + course, told + against, told + course, told))


def _gain(tongue: Tongue, heat: Heat) -> str:
    """What the last day brought where that says something, and else where the paper stands by now."""
    standing = _standing(tongue, heat)
    if heat.gained is None or heat.gained < 1:
        return standing
    told = tongue.say("+%(gain)s since yesterday") % {"gain": _counted(tongue, heat, heat.gained)}
    if ratio := _times(tongue, heat.gained, heat.usual_gain):
        return told + tongue.say(", %(times)s× the usual") % {"times": ratio}
    return tongue.say("%(first)s; %(second)s") % {"first": told, "second": standing} if standing else told


def _standing(tongue: Tongue, heat: Heat) -> str:
    ratio = _times(tongue, heat.votes, heat.usual)
    numbers = {"times": ratio, "usual": tongue.number(heat.usual or 0)}
    return tongue.say("%(times)s× the usual %(usual)s at this age") % numbers if ratio else ""


def _times(tongue: Tongue, count: float | None, usual: float | None) -> str:
    """How many times the usual, if both numbers are large enough for that to mean something."""
    if not count or not usual or usual < ENOUGH_USUAL or count < ENOUGH_VOTES:
        return ""
    times = round(count / usual)
    return tongue.number(times) if times >= 2 else ""


def _rounded_down(votes: float) -> int:
    """43 -> 40, 167 -> 160, so that "40+" stays true."""
    return int(votes // 10) * 10


def _evidence(tongue: Tongue, reason: Reason) -> Iterator[str]:
    """Ways to say the reason, the fullest first."""
    match reason.because:
        case Because.TERMS:
            terms = [term for term in map(clean, reason.terms[:3]) if term]
            for number in range(len(terms), 0, -1):
                yield tongue.say("matches %(terms)s") % {"terms": _listed(tongue, terms[:number])}
        case Because.LIKED if reason.liked_title:
            for length in (60, 50):
                title = tongue.quote(shorten(clean(reason.liked_title), length))
                yield tongue.say("similar to %(title)s, which you liked") % {"title": title}
        case Because.AUTHOR if reason.author:
            yield tongue.say("by %(author)s, whom you follow") % {"author": shorten(clean(reason.author), 50)}
        case Because.CATEGORY if reason.category:
            yield tongue.say("new in %(category)s, which you follow") % {
                "category": clean(reason.category)[:40]
            }
        case Because.FACET if reason.facet:
            yield tongue.say("for your interest %(name)s") % {
                "name": tongue.quote(shorten(clean(reason.facet), 50))
            }
        case Because.EXPLORATION:
            yield tongue.say("a little off your path; you might like it")
        case Because.NEW if reason.category:
            yield tongue.say("new in %(category)s") % {"category": clean(reason.category)[:40]}


def _listed(tongue: Tongue, terms: Sequence[str]) -> str:
    """`“diffusion”`, `“diffusion” and “sampling”`, `“a”, “b” and “c”`."""
    first, *rest = (tongue.quote(shorten(term, 60)) for term in terms)
    if not rest:
        return first
    if len(rest) == 1:
        return tongue.say("%(first)s and %(second)s") % {"first": first, "second": rest[0]}
    named = {"first": first, "second": rest[0], "others": rest[1]}
    return tongue.say("%(first)s, %(second)s and %(others)s") % named


def _held(tongue: Tongue, reason: Reason, day: date) -> str:
    if reason.held_since is None or reason.held_since >= day:
        return ""
    since = tongue.weekday if (day - reason.held_since).days < 7 else tongue.short_day
    return tongue.say("; kept for you since %(day)s") % {"day": since(reason.held_since)}


def _fitting(ways: "Iterator[str] | tuple[str, ...]") -> str:
    """The first way to say it that is short enough."""
    way = ""
    for way in ways:
        if len(way) <= LONGEST_WHY:
            return way
    return shorten(way, LONGEST_WHY)
