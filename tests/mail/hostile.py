"""Hostile papers: markup, bidirectional marks, endless words, script links and more."""

from dataclasses import replace

from digest.models import Heat, Paper, Pick, Reason, ReasonKind, Section, SignalKind
from tests.factories import make_paper

LONG_WORD = "Pneumono" * 17  # 136 characters
HOSTILE_PAPERS = {
    "markup": make_paper(
        "</h3><script>alert(1)</script><img src=x onerror=alert(2)> & hostile",
        abstract="<b>We show</b> <a href='javascript:x'>it</a>.",
    ),
    "template": make_paper("{{7*7}} {% raw %} ${7*7} hostile", abstract="{{ config }} We show {{7*7}}."),
    "bidi": make_paper(
        "Safe \u202egnp.exe\u202c \u2066title\u2069\u200b", abstract="We hide \u202e things\ufeff."
    ),
    "endless abstract": make_paper("Five Megabytes of Nothing", abstract="word " * 1_000_000),
    "endless word": make_paper(LONG_WORD, abstract=f"We show {LONG_WORD}."),
    "endless title": make_paper("Very " * 4_000 + "Long"),
    "untitled": make_paper("", abstract=""),
    "blank title": make_paper(" \u200b\n\t ", authors=()),
    "line breaks": make_paper(
        "Hostile hostile\r\nBcc: victim@example.com\r\n\r\n<p>body", abstract="We\r\n.\r\nshow\u2028it\x00."
    ),
    "a link as title": make_paper("https://phish.example.com/login now", abstract="We show."),
    "a bare domain": make_paper("www.phish.example.com"),
    "script link": replace(
        make_paper("Links That Run"),
        url="javascript:alert(1)",
        pdf_url="data:text/html,x",
        code_url="vbscript:x",
    ),
    "sneaky link": replace(
        make_paper("Links with Quotes"),
        url='https://example.com/"onmouseover="x',
        code_url="https://user:pw@example.com/",
        project_url="//example.com",
        discussion_url="https://example.com/ a",
    ),
    "endless link": replace(make_paper("Links without End"), url="https://example.com/" + "a" * 5_000),
    "broken address": replace(make_paper("A Broken Address"), url="https://[::1"),
    "ten thousand authors": make_paper("Everyone", authors=[f"Author {n}" for n in range(10_000)]),
    "odd authors": make_paper("Names as Given", authors=("<b>Bobby</b> Tables\r\nX: y", "\u202eeve", "")),
    "surrogates": make_paper(
        "Half a \ud83d letter \ue000subject\ue001", abstract="We \ue000why\ue001 show \udcff it."
    ),
    "Chinese": make_paper(
        "深度学习中的遗忘：一个统一的视角" * 4, abstract="我们提出了一种新的方法。它很好。" * 20
    ),
    "emoji": make_paper("🦙 Re: Fwd: Llamas 🦙 & more", abstract="We show 🦙."),
    "percent": make_paper("100%(s)s of %s %(count)s"),
    "dots": make_paper(". . . ...", abstract=".\n..\n.end We show it."),
}


def make_hostile_picks(section: Section) -> tuple[Pick, ...]:
    """Return a pick of each hostile paper in one section, with equally hostile reasons."""
    return tuple(_make_pick(paper, section, number) for number, paper in enumerate(HOSTILE_PAPERS.values()))


def _make_pick(paper: Paper, section: Section, number: int) -> Pick:
    reasons = (
        Reason(because=ReasonKind.TERMS, terms=("<i>x</i>", "a\r\nb", LONG_WORD)),
        Reason(because=ReasonKind.LIKED, liked_title=paper.title),
        Reason(because=ReasonKind.AUTHOR, author="{{7*7}}\n"),
        Reason(because=ReasonKind.CATEGORY, category="cs.<script>"),
        Reason(because=ReasonKind.FACET, facet="\u202e" + LONG_WORD),
    )
    heat = Heat(value=1, expected=50, low=20, high=90, kind=SignalKind.UPVOTES, votes=1e12, hours=3, usual=5)
    return Pick(paper=paper, section=section, heat=heat, reason=reasons[number % len(reasons)])
