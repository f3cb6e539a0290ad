"""Papers nobody would want in a mail: markup, bidi, endless words, links that run, and worse."""

from dataclasses import replace

from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section, SignalKind
from tests.factories import paper

LONG_WORD = "Pneumono" * 17  # 136 characters
HOSTILE = {
    "markup": paper(
        "</h3><script>alert(1)</script><img src=x onerror=alert(2)> & hostile",
        abstract="<b>We show</b> <a href='javascript:x'>it</a>.",
    ),
    "template": paper("{{7*7}} {% raw %} ${7*7} hostile", abstract="{{ config }} We show {{7*7}}."),
    "bidi": paper(
        "Safe \u202egnp.exe\u202c \u2066title\u2069\u200b", abstract="We hide \u202e things\ufeff."
    ),
    "endless abstract": paper("Five Megabytes of Nothing", abstract="word " * 1_000_000),
    "endless word": paper(LONG_WORD, abstract=f"We show {LONG_WORD}."),
    "endless title": paper("Very " * 4_000 + "Long"),
    "untitled": paper("", abstract=""),
    "blank title": paper(" \u200b\n\t ", authors=()),
    "line breaks": paper(
        "Hostile hostile\r\nBcc: victim@example.com\r\n\r\n<p>body", abstract="We\r\n.\r\nshow\u2028it\x00."
    ),
    "a link as title": paper("https://phish.example.com/login now", abstract="We show."),
    "a bare domain": paper("www.phish.example.com"),
    "script link": replace(
        paper("Links That Run"), url="javascript:alert(1)", pdf_url="data:text/html,x", code_url="vbscript:x"
    ),
    "sneaky link": replace(
        paper("Links with Quotes"),
        url='https://example.com/"onmouseover="x',
        code_url="https://user:pw@example.com/",
        project_url="//example.com",
        discussion_url="https://example.com/ a",
    ),
    "endless link": replace(paper("Links without End"), url="https://example.com/" + "a" * 5_000),
    "broken address": replace(paper("A Broken Address"), url="https://[::1"),
    "ten thousand authors": paper("Everyone", authors=[f"Author {n}" for n in range(10_000)]),
    "odd authors": paper("Names as Given", authors=("<b>Bobby</b> Tables\r\nX: y", "\u202eeve", "")),
    "surrogates": paper(
        "Half a \ud83d letter \ue000subject\ue001", abstract="We \ue000why\ue001 show \udcff it."
    ),
    "Chinese": paper(
        "深度学习中的遗忘：一个统一的视角" * 4, abstract="我们提出了一种新的方法。它很好。" * 20
    ),
    "emoji": paper("🦙 Re: Fwd: Llamas 🦙 & more", abstract="We show 🦙."),
    "percent": paper("100%(s)s of %s %(count)s"),
    "dots": paper(". . . ...", abstract=".\n..\n.end We show it."),
}


def hostile_picks(section: Section) -> tuple[Pick, ...]:
    """Each of them in one section, with reasons as bad as they are."""
    return tuple(_pick(paper, section, number) for number, paper in enumerate(HOSTILE.values()))


def _pick(of: Paper, section: Section, number: int) -> Pick:
    reasons = (
        Reason(because=ReasonKind.TERMS, terms=("<i>x</i>", "a\r\nb", LONG_WORD)),
        Reason(because=ReasonKind.LIKED, liked_title=of.title),
        Reason(because=ReasonKind.AUTHOR, author="{{7*7}}\n"),
        Reason(because=ReasonKind.CATEGORY, category="cs.<script>"),
        Reason(because=ReasonKind.FACET, facet="\u202e" + LONG_WORD),
    )
    heat = Heat(value=1, expected=50, low=20, high=90, kind=SignalKind.UPVOTES, votes=1e12, hours=3, usual=5)
    return Pick(paper=of, section=section, heat=heat, reason=reasons[number % len(reasons)])
