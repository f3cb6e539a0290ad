"""Topics: what a reader asks for in words, as phrases.

A keyword is one topic. A paragraph is read: its phrases are topics, its filler words carry nothing, and what
a sentence rules out ("not interested in", "except", "no more", "off topic") is unwanted.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from digest.models import Facet, Profile
from digest.ranking.tokenizer import STOPWORDS, normalize_text

MAX_TOPICS = 40  # of one interest; the first ones count
MAX_TEXT = 4_000  # characters of a paragraph that are read

FILLERS = STOPWORDS | frozenset(
    """
    able always another anybody anyone anything apart area areas aren article articles avoid background
    big bore bores boring bother build building builds business care code codes coding collect collecting
    collects companies company concern cover covered covers currently dear department deploy deploys
    develop develops disinterested dislike doesn don eg engineer engineers enough enthusiast especially
    etc even ever everything except exclude excluding fan far field first focus focused focuses follow
    followed following follows get gets getting give good great group groups hello help helps hi hobby
    hobbyist i'd i'm i've ignore instead institute interest interested interesting interests isn keen
    keep kind kinds know lab labs last latest lead leads learn least leave less like likes longer look
    looking looks lot love made mainly make makes making many matter maybe measure measures mostly mute
    need needs never new news next no nothing off often one ones out own paper papers particular
    particularly people phd please postdoc practical professor rather read reading real really recent
    related relevant research researcher researchers run running runs scientist scope see send sends
    share show sick similar skim skip small somebody someone something sometimes spare still student
    students studies study studying stuff subject subjects talk team teams technical thank thanks
    theoretical thing things three tired topic topics track tracking try two uninterested uninteresting
    university unless use used useful user uses using want wanted wants watch way ways welcome well work
    worked working works write year years yet
    """.split()  # noqa: SIM905  a page of words reads better than a page of quotes
)
"""Words of a paragraph that say nothing about its topics."""

_SENTENCE = re.compile(r"(?<=[.!?;\n])\s+")
_BREAK = re.compile(
    r"""[,:()"\u201c\u201d/]|\s[-\u2013\u2014]\s|n['\u2019]t\b|(?<![\w-])(?:and|or|but|on|in|at|for|with|about|of|to|when|
    that|who|from|into|than|what|how|by|as|like|via|versus|vs|through|between|across|during|after|before|under|
    over|inside|within|per)(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_PRONOUN = re.compile(r"(?:i|we|they|it|you|he|she)['\u2019]")
_UNWANTED = re.compile(
    r"""\b(?:
    not\s+(?:at\s+all\s+|really\s+|so\s+|very\s+|much\s+|particularly\s+)?
        (?:interested|interesting|into|my|our|about|looking|for|a\s+fan|care|relevant)\b
    | no\s+(?:more|longer|interest|need|thanks?) | please\s+no | nothing\s+(?:about|on)
    | never\s+(?:send|show|anything)
    | do(?:es)?(?:n['\u2019]?t|\s+not)\s+
        (?:want|care|interest|need|send|like|follow|work|read|show|include|bother|matter)
    | dislike | disinterested | uninterested | uninteresting | off[-\s]?topic | out\s+of\s+scope
    | less\s+(?:interest|relevant|so) | (?:is|are)\s+covered\s+by | except | excluding | exclude | unless
    | skip | avoid | ignore | without | other\s+than | apart\s+from | rather\s+than | instead\s+of
    | tired\s+of | sick\s+of | enough\s+of | leave\s+out | (?:isn|aren)['\u2019]?t\s+(?:my|our|of|inter|relev)
    | spare\s+me | mute | but\s+not | bores?\b
    ) | ^\s*no\b | \bno\b[^.;]{0,80}\bplease\b""",
    re.IGNORECASE | re.VERBOSE,
)
_EXCEPTION = re.compile(
    r"""\b(?:except|excluding|exclude|unless|without|other\s+than|apart\s+from|rather\s+than|instead\s+of|but\s+not
    |not\s+about|nothing\s+(?:about|on)|no\s+more|skip|avoid|ignore)\b""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """The topics of one interest: typed keywords, and phrases of its paragraph."""

    keywords: tuple[str, ...]
    phrases: tuple[str, ...]
    facet: str = ""  # name of the interest


@dataclass(frozen=True, slots=True)
class ReaderTopics:
    """What a reader asks for in words, interest by interest, and what they rule out."""

    groups: tuple[TopicGroup, ...]
    unwanted: tuple[str, ...]


def find_topics(profile: Profile) -> ReaderTopics:
    """Return the topics of a profile; interests without any are left out."""
    return _find_topics(profile.keywords, profile.text, profile.facets)


@lru_cache(maxsize=4096)
def read_paragraph(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the phrases that a paragraph asks for, and those that it rules out.

    >>> read_paragraph("I follow robot manipulation and tactile sensing. Not interested in web agents.")
    (('robot manipulation', 'tactile sensing'), ('web agents',))
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for sentence in _SENTENCE.split(text[:MAX_TEXT]):
        asked, ruled_out = _split_exception(sentence)
        wanted += find_phrases(asked)
        unwanted += find_phrases(ruled_out)
    return tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted))


def remove_unwanted(text: str) -> str:
    """Return a paragraph without what it rules out, as the affinity compares it with papers."""
    parts = _SENTENCE.split(text) if text else ()
    return " ".join(filter(None, (_split_exception(part)[0].strip() for part in parts)))


@lru_cache(maxsize=4096)
def _find_topics(keywords: tuple[str, ...], text: str, facets: tuple[Facet, ...]) -> ReaderTopics:
    groups: list[TopicGroup] = []
    unwanted: list[str] = []
    for facet in (Facet("", keywords, text), *facets):
        phrases, ruled_out = read_paragraph(facet.text)
        names = tuple(dict.fromkeys(filter(None, (" ".join(name.split()) for name in facet.keywords))))
        unwanted += ruled_out
        if names or phrases:
            groups.append(TopicGroup(names[:MAX_TOPICS], phrases[:MAX_TOPICS], facet.name))
    return ReaderTopics(tuple(groups), tuple(dict.fromkeys(unwanted))[:MAX_TOPICS])


def _split_exception(sentence: str) -> tuple[str, str]:
    """Return the part of a sentence that asks for something, and the part that rules something out."""
    if not _UNWANTED.search(sentence):
        return sentence, ""
    exception = _EXCEPTION.search(sentence)
    if exception and any(find_phrases(sentence[: exception.start()])):
        return sentence[: exception.start()], sentence[exception.start() :]
    return "", sentence


def find_phrases(text: str) -> Iterator[str]:
    """Yield the runs of words that are no fillers.

    >>> [*find_phrases("We look for tide tables of the Baltic")]
    ['tide tables', 'Baltic']
    """
    for part in _BREAK.split(text):
        run: list[str] = []
        for word in _WORD.findall(part):
            normalized = normalize_text(word).replace("\u2019", "'")
            if normalized in FILLERS or _PRONOUN.match(normalized):
                if run:
                    yield " ".join(run)
                run = []
            else:
                run.append(word)
        if run:
            yield " ".join(run)
