"""Paragraphs: what readers ask for and rule out in their own words.

A paragraph is read clause by clause: its filler words carry nothing, the others are phrases that it asks for,
except what a clause rules out:

- what stands behind a refusal that opens it, at most after fillers ("not interested in", "no", "skip"),
- what stands before a dismissal that ends it ("is off topic", "bore me"),
- what stands behind "except" and the like.

The same words anywhere else ("exception handling", "how to avoid overfitting", "methods that do not need
labels") are the reader's subject. A clause without any of these continues the list that it is in.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from itertools import groupby

from digest.ranking.tokenizer import STOPWORDS, normalize_text
from digest.ranking.word_forms import fold_word, split_words

MAX_TEXT = 4_000  # characters of a paragraph that are read
MAX_WORD = 40  # characters of a word, before which it is looked for

FILLERS = STOPWORDS | frozenset(
    """
    able absolutely already always another anybody anymore anyone anything apart area areas aren article
    articles avoid background big bother build building builds business care certainly collect
    collecting collects companies company concern cover covered covers currently dear definitely
    department deploy deploys develop develops disinterested dislike doesn don eg else engineer
    engineers enjoy enough enthusiast especially etc even ever everything except fan far fascinating
    field find first focus focused focuses follow followed following follows get gets getting give good
    great group groups hello help helps hi hobby hobbyist ignore instead institute interest interested
    interesting interests isn keen keep kind kinds know lab labs last latest lead leads learn least
    leave less like likes longer look looking looks lot love made mainly make makes making many matter
    maybe measure measures mostly necessarily need needs never new news next no nothing now often one
    ones paper papers particular particularly people phd please postdoc practical prefer preferably
    preference professor rather read reading real really recent related relevant research researcher
    researchers run running runs scientist scope see send sends share show similar skim small somebody
    someone something sometimes spare still student students studies study studying stuff subject
    subjects talk team teams technical tell thank thanks theoretical thing things three topic topics
    track try two uninterested uninteresting university unless use used useful user uses using want
    wanted wants watch way ways welcome well whatsoever work worked working works write year years yes
    """.split()  # noqa: SIM905  a page of words reads better than a page of quotes
)
"""Words of a paragraph that say nothing about its topics."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*(?:\+\+|#)?")
_PRONOUN = re.compile(r"(?:i|we|they|it|you|he|she)['\u2019]")
_DOUBLE = ("miss", "mind", "tired", "sick", "bored", "enough", "hate", "dislike", "skip", "ignore", "nothing")
"""After a negation: words that make it a wish ("don't want to miss")."""
_BREAK = re.compile(
    rf"""\b(?:e\.g|i\.e)\.|[,:()"\u201c\u201d/]|\s[-\u2013\u2014]\s|(?:n['\u2019]t|(?<![\w-])(?:not|never))
    (?:\s+(?:want|wish|like|to|get|be|yet|even|ever|really)){{0,3}}\s+(?:{"|".join(_DOUBLE)})\b
    |(?:(?<!\w)ca)?n['\u2019]t\b|(?<![\w-])(?:and|or|but|on|in|at|for|with|about|of|to|when|that|who|from|into|than
    |what|how|by|as|like|via|versus|vs|through|between|across|during|after|before|under|over|inside|within|without|per)(?![\w-])""",
    re.IGNORECASE | re.VERBOSE,
)
_SENTENCE = re.compile(
    r"(?<=[.!;\n])(?<!\be\.g\.)(?<!\bi\.e\.)\s+|\n(?=(?:I|We|My|Our|Not|No|Never|Nothing|Please|Skip)\b)"
)
_SUBJECT = r"""(?!\s+(?:only|just|merely|solely|simply|limited|least|to\s+mention|sure|necessarily|all|but
    |else|is|against|beats|one|doubt|matter|code|gates?\b|free\s+lunch|regret|arbitrage|cloning|(?:go|hair)\s+theorem
    |slip|core\s+shell|boundary|u-turn|synthases?|signall?ing)\b)"""
"""After "no" and "not": what is no refusal."""
_JOINER = re.compile(  # what stands before a clause
    rf"""(?P<apart>(?<![\w/-])(?:except(?:ing)?(?:\s+for)?|excluding|(?:other|rather)\s+than|(?:apart|aside)\s+from
        |instead\s+of|(?<=,\s)minus|(?:anything|everything|all)\s+but|(?-i:NOT){_SUBJECT})(?![\w/-]))
    | (?P<reset>;|(?<![\w-])(?<!nothing\s)(?:but|however|although|though|whereas|while|because|than)(?![\w-])
        |(?<=\w)(?<!\bwhat)(?<!\bthat)(?<!\bhow)\s(?=(?:I|we)\b))
    | (?P<open>(?<![\w-])(?:without|unless|with\s+no|(?P<bare>not){_SUBJECT})(?![\w-]))
    | (?P<more>(?<!,)(?<!,\s)(?<![\w-])(?:and|n?or)(?![\w-])|\s&(?=\s)|[()])
    | (?P<pause>[,:?\u2014]|\s[-\u2013+](?=\s))""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT = r"""(?:(?:(?:do|does|did|is|are|was|were|would|wo|have|has)n['\u2019]?t|not|never)(?:\s+(?:at\s+all
    |really|so|very|all\s+that|much|particularly|especially|terribly|too|even|ever|currently|actually))*)"""
_REFUSAL = re.compile(
    rf"""\b{_NOT}\s+(?:want|wish|care|need|like|love|enjoy|follow|work|read|study|show|include|send|give|bother
        |interest(?:ed|ing)?|into|looking|do|have\s+(?:time|use)|(?:an?\s+|my\s+|our\s+)?(?:big\s+)?fan|keen|fond|about|for|after|my|our)\b
    | \b(?:no|zero|little|lost)\s+(?:more|longer|interest|need|use\s+for|time\s+for|patience|thanks?|fan)\b
    | \bnothing\s+(?:about|on|with|from|in|like|related|involving|to\s+do\s+with)\b
    | \b(?:tired|sick|bored|weary|fed\s+up|enough)\s+(?:of|with|by)\b | \b(?:un|dis)interested\s+in\b
    | (?:['\u2019](?:m|re)|\bam|\bare)\s+done\s+with\b | \ballergic\s+to\b
    | \bless\s+(?:interested|keen|into|on|about)\b
    | \bcan(?:['\u2019]?t|not)\s+(?:stand|bear)\b | \b(?:could(?:n['\u2019]?t|\s+not)?\s+)?care\s+less\b
    | \bspare\s+(?:me|us)\b | \bleave\s+out\b
    | \bstop\s+(?:sending|showing|giving|recommending|suggesting|with)\b
    | \b(?:like|prefer|rather)\s+(?:to\s+)?(?:skip|avoid|ignore|exclude)\b
    | ^\W*(?:(?:please|just|also|always|usually|mostly|really|so|kindly|I|we(?=\s+skip)|do|would)\s+)*(?:
        (?:(?P<order>skip|avoid|ignore|exclude|mute|omit|dislikes?)|(?P<hate>hate|loathe|detest))\b
            (?!-|\s(?:connect|gram|list|layer|link|swan|speech|crim|crossing))
        | (?:less|fewer)\b(?=[^,.;]*\b(?:papers|articles|stuff|news|please)\b))
    | ^\W*(?:(?!(?:is|are|am|was|were|be|do|does|did|have|has|had|with|of
        |(?:i|we|it)['\u2019](?:m|re|s|ve))\b)\w[\w'\u2019]*\s+)*?(?P<bare>not|no|never|nothing|none|neither)(?![\w-]){_SUBJECT}""",
    re.IGNORECASE | re.VERBOSE,
)
_DISMISSAL = re.compile(
    r"""(?:(?:\b(?:is|are|was|were)|['\u2019](?:s|re))\s+not|\bnot|\b(?:is|are|was|were)n['\u2019]?t)
        (?:\s+(?:at\s+all|really|very|so|that))*(?:\W*$|\s+(?:interesting|relevant|needed|wanted|welcome|useful|important
        |in\s+scope|for\s+(?:me|us)|of\s+(?:interest|use)|what\s+(?:I|we)\b|(?:something|things?)\s+(?:I|we)\b
        |(?:my|our)\b.*))
    | \b(?:do|does|did)(?:n['\u2019]?t|\s+not)\s+(?:really\s+|much\s+)?
        (?:interest|concern|excite|appeal|matter|bother|belong|count|help)\b
    | \bbores?\s+(?:me|us)\b | \bless\s+(?:so|interesting|relevant|important|useful|interest)\b
    | \boff[-\s]topic\b | \bout\s+of\s+scope\b | \birrelevant\b | \buninteresting\b | \b(?:is|are)\s+boring\b
    | \bno(?:\s+thanks?|\s+please)?\W*$ | \b(?:of|hold)\s+(?:no|little)\s+interest\b | \bnever\W*$
    | \bcan\s+be\s+(?:skipped|ignored|left\s+out|excluded|omitted)\b
    | \b(?:I|we)\s+(?:skip|ignore|avoid|hate|dislike)\b | \b(?:is|are)\s+(?:already\s+)?covered\s+
        (?:elsewhere|by\s+(?:another|other|someone|somebody|my|our|colleagues)\b.*)
    | \b(?:some|any)(?:one|body)\s+else['\u2019]s\b.*""",
    re.IGNORECASE | re.VERBOSE,
)
_WISH = re.compile(
    r"""^\W*(?:(?:and|so|then|please|really|mostly|rather|do)\s+)*(?:only|also|more|yes|love|want|prefer|interested|looking
    |show|send|give|tell|focus|now|still)\b|\b(?:I|we|my|our)\b|\b(?:instead|yes|welcome|fine|great)\W*$""",
    re.IGNORECASE | re.VERBOSE,
)
_NEGATION = re.compile(
    r"(?:\b(?:not|never|no|nothing|cannot|can['\u2019]?t|except|excluding|skip|avoid|hate|dislike)|n['\u2019]t)\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\b(?:that|which|who)\b", re.IGNORECASE)


class _Verdict(Enum):
    """What a reader says of the words of a clause."""

    WANTED = auto()
    RULED_OUT = auto()
    OPEN = auto()  # neither: "without labels", "proteins not lipids"
    DISMISSED = auto()  # ruled out by its end, together with the rest of the subject


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str  # with the joiner
    joiner: str  # what stands before it
    kind: str  # of the joiner: a group of `_JOINER`, empty at the start of a sentence
    topic: str  # the text without what rules it out
    phrases: tuple[str, ...]
    verdict: _Verdict | None  # None if it says nothing of its own


def read_paragraph(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the phrases that a paragraph asks for, and those that it rules out.

    >>> read_paragraph("I follow robot manipulation and tactile sensing. Not interested in web agents.")
    (('robot manipulation', 'tactile sensing'), ('web agents',))
    """
    wanted: list[str] = []
    unwanted: list[str] = []
    for sentence in _judge(text):
        before = ""  # the topic of the clause before, if that is wanted
        for clause, verdict in sentence:
            if verdict is _Verdict.WANTED:
                wanted += clause.phrases
            elif verdict is _Verdict.RULED_OUT:
                unwanted += clause.phrases
            elif clause.joiner.casefold() == "without" and before and before.endswith(tuple(wanted[-1:])):
                wanted += [f"{wanted[-1]} without {phrase}" for phrase in clause.phrases[:1]]
            before = clause.topic.rstrip() if verdict is _Verdict.WANTED else ""
    return tuple(dict.fromkeys(wanted)), leave_out(unwanted, wanted)


@lru_cache(maxsize=1024)  # the readers of a chunk are looked at more than once
def read_keywords(keywords: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the keywords that ask for something, and the phrases that others rule out ("not LLM")."""
    wanted: list[str] = []
    unwanted: list[str] = []
    for keyword in filter(None, (" ".join(name.split()) for name in keywords)):
        asked, ruled_out = read_paragraph(keyword) if _NEGATION.search(keyword) else ((), ())
        is_refusal = bool(ruled_out) and not _DISMISSAL.search(keyword)
        wanted += asked if is_refusal else [keyword]
        unwanted += ruled_out if is_refusal else ()
    return tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted))


def remove_unwanted(text: str) -> str:
    """Return a paragraph without what it rules out, as the affinity compares it with papers."""
    sentences = (
        "".join(clause.text for clause, verdict in sentence if verdict is not _Verdict.RULED_OUT)
        for sentence in _judge(text)
    )
    return " ".join(filter(None, map(str.strip, sentences)))


def leave_out(unwanted: Iterable[str], wanted: Iterable[str]) -> tuple[str, ...]:
    """Return the unwanted phrases, each once, that are not wanted in any form."""
    forms = {*map(_fold, wanted)}
    return tuple(phrase for phrase in dict.fromkeys(unwanted) if _fold(phrase) not in forms)


def _fold(phrase: str) -> tuple[str, ...]:
    return tuple(map(fold_word, split_words(normalize_text(phrase))))


@lru_cache(maxsize=1024)
def _judge(text: str) -> tuple[tuple[tuple[_Clause, _Verdict], ...], ...]:
    """Return the clauses of each sentence with what the reader says of them."""
    sentences = ([*_split_clauses(sentence)] for sentence in _SENTENCE.split(text[:MAX_TEXT]))
    return tuple(tuple(zip(clauses, _judge_clauses(clauses), strict=True)) for clauses in sentences)


def _judge_clauses(clauses: Sequence[_Clause]) -> list[_Verdict]:
    """Return the verdict of each clause of a sentence: its own, or that of the list it is in."""
    verdicts: list[_Verdict] = []
    items = _Items()
    for number, clause in enumerate(clauses):
        items.join(clauses, number)
        if clause.verdict is _Verdict.DISMISSED:
            for earlier in _find_subject(clauses, items.start, number):
                verdicts[earlier] = _Verdict.RULED_OUT
            verdicts.append(_Verdict.RULED_OUT)
            items.verdict = _Verdict.WANTED
        else:
            items.judge(clause)
            verdicts.append(items.verdict)
    return verdicts


class _Items:
    """The list that clauses of a sentence are in, and its verdict.

    A refusal that opens the list holds for all of it; another one, and an exception, up to the next comma,
    unless the list ends in "or".
    """

    def __init__(self) -> None:
        self.verdict = _Verdict.WANTED
        self.start = 0  # number of its first clause
        self._holds, self._has_wanted = True, False
        self._outside: list[tuple[_Verdict, bool]] = []  # of parentheses

    def join(self, clauses: Sequence[_Clause], number: int) -> None:
        """Set what holds for the clause at *number* if it says nothing of its own."""
        clause = clauses[number]
        if clause.joiner == "(":
            self._outside.append((self.verdict, self._holds))
        elif clause.joiner == ")" and self._outside:
            self.verdict, self._holds = self._outside.pop()
        elif clause.kind == "reset":
            self.verdict, self.start, self._has_wanted = _Verdict.WANTED, number, False
        elif (
            clause.joiner == "?"
            or (clause.joiner == ":" and clauses[number - 1].phrases)
            or (self.verdict is _Verdict.OPEN and clause.joiner.casefold() != "or")
            or (clause.kind == "pause" and clause.joiner != ":" and self._ends(clauses, number))
        ):
            self.verdict = _Verdict.WANTED

    def judge(self, clause: _Clause) -> None:
        """Set what holds for this clause."""
        if clause.kind == "apart":
            if self.verdict is _Verdict.RULED_OUT:  # what is not ruled out with the rest
                self.verdict = _Verdict.WANTED
            elif not self._has_wanted and clause.joiner.casefold().endswith(("from", "other than")):
                self.verdict = _Verdict.OPEN  # "apart from" may mean "besides"
            else:
                self.verdict = _Verdict.RULED_OUT
            self._holds = False
        elif clause.verdict:
            self.verdict = clause.verdict
            self._holds = clause.verdict is _Verdict.RULED_OUT and not self._has_wanted
        self._has_wanted |= self.verdict is _Verdict.WANTED and bool(clause.phrases)

    def _ends(self, clauses: Sequence[_Clause], number: int) -> bool:
        """Return True if the list ends at the comma before this clause."""
        if self._holds or not clauses[number].phrases:
            return False
        return not self._has_wanted or not _ends_with_or(clauses, number)


def _ends_with_or(clauses: Sequence[_Clause], number: int) -> bool:
    """Return True if the list that goes on with the clause at *number* has an "or"."""
    for clause in clauses[number:]:
        if clause.verdict or clause.kind not in {"pause", "more"}:
            return False
        if clause.joiner.casefold() in {"or", "nor"} or re.match(r"(?:,\s*)?or\b", clause.text):
            return True
    return False


def _find_subject(clauses: Sequence[_Clause], start: int, number: int) -> Iterator[int]:
    """Yield the clauses before a dismissal that it is about: joined by "and", or the list from *start* on."""
    if not clauses[number].phrases and number > start:
        number -= 1
        yield number
    is_list = False
    is_all = all(clause.verdict is None for clause in clauses[start:number])
    while number > start and not clauses[number - 1].verdict:
        is_list |= clauses[number].kind == "more"
        if clauses[number].kind != "more" and not (is_list and is_all):
            return
        number -= 1
        yield number


def _split_clauses(sentence: str) -> Iterator[_Clause]:
    start, joiner, kind = 0, "", ""
    for match in _JOINER.finditer(sentence):
        if match["bare"] and not _is_after_topic(sentence, start + len(joiner), match.start()):
            continue
        yield _read_clause(sentence[start : match.start()], joiner, kind, following=match[0].strip())
        start, joiner, kind = match.start(), match[0].strip(), match.lastgroup or ""
    yield _read_clause(sentence[start:], joiner, kind, following="")


def _is_after_topic(sentence: str, start: int, place: int) -> bool:
    """Return True if the clause begins at *start* and its word before *place* is no filler."""
    words = sentence[max(start, place - MAX_WORD) : place].split()
    return bool(words) and words[-1][-1].isalnum() and not _is_filler(words[-1])


def _read_clause(text: str, joiner: str, kind: str, *, following: str) -> _Clause:
    """Return the clause with what it says of itself; *following* is the next joiner, empty at the end."""
    body = text if joiner.casefold() == "not" else text.replace(joiner, "", 1)
    refusals, dismissals = [*_REFUSAL.finditer(body)], [*_DISMISSAL.finditer(body)]
    in_cues = {place for match in (*refusals, *dismissals) for place in range(_get_start(match), match.end())}
    topics = [
        match.start()
        for match in _WORD.finditer(body)
        if match.start() not in in_cues and not _is_filler(match[0])
    ]
    refusal = _find_refusal(body, refusals, joiner.casefold(), topics)
    dismissal = dismissals[-1] if dismissals and dismissals[-1].start() > max(topics, default=-1) else None
    is_answer = (kind == "pause" or joiner == "(") and following in {"", ";", "but"}
    verdict, topic = None, body
    if is_answer and not topics and (refusal or dismissal):
        verdict = _Verdict.DISMISSED  # "drones: no thanks"
    elif dismissal and (topics or following == ":"):
        verdict, topic = (_Verdict.DISMISSED if topics else _Verdict.RULED_OUT), body[: dismissal.start()]
    elif refusal and (topics or following == ":" or not refusal.lastgroup):
        verdict = _Verdict.OPEN if _RELATIVE.search(body, 0, _get_start(refusal)) else _Verdict.RULED_OUT
        topic = body[refusal.end() :]
    elif _WISH.search(body):
        verdict = _Verdict.WANTED
    if kind == "open" and verdict is not _Verdict.DISMISSED:
        verdict = _Verdict.OPEN
    return _Clause(text, joiner, kind, topic, tuple(find_phrases(topic)), verdict)


def _find_refusal(
    body: str, refusals: Sequence[re.Match[str]], joiner: str, topics: Sequence[int]
) -> re.Match[str] | None:
    """Return the refusal that opens a clause, at most after fillers, and that no negation turns around."""
    negation = _NEGATION.search(body)
    end = min(topics[0] if topics else len(body), negation.start() if negation else len(body))
    for match in refusals:
        if _get_start(match) > end:
            return None
        if joiner == "or" and match["bare"]:
            continue  # "few or no labels"
        if match["order"] == match[0].strip() and (joiner in {"and", "or"} or (joiner == ":" and topics)):
            continue  # "deaf and mute people", "safety: avoid collisions"
        if not _has_double(body, match.end()):
            return match
    return None


def _has_double(body: str, place: int) -> bool:
    """Return True if one of the words that turn a negation around comes before the next topic."""
    for match in _WORD.finditer(body, place):
        if match[0].casefold() in _DOUBLE:
            return True
        if not _is_filler(match[0]):
            return False
    return False


def _get_start(match: re.Match[str]) -> int:
    """Return where the words of a cue begin: "not" may stand behind fillers."""
    return match.start("bare") if match.re is _REFUSAL and match["bare"] else match.start()


def find_phrases(text: str) -> Iterator[str]:
    """Yield the runs of words that are no fillers.

    >>> [*find_phrases("We look for tide tables of the Baltic")]
    ['tide tables', 'Baltic']
    """
    for part in _BREAK.split(text):
        for is_filler, run in groupby(_WORD.findall(part), _is_filler):
            if not is_filler:
                yield " ".join(run)


def _is_filler(word: str) -> bool:
    normalized = normalize_text(word).replace("\u2019", "'")
    return normalized in FILLERS or bool(_PRONOUN.match(normalized))
