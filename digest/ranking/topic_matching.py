"""Topics compared with the papers of a day: what each paper says of a topic, and how near it is in meaning.

A keyword is a condition. The phrase itself, all its words near each other and all its words in one abstract
are three levels; some of its words alone are none. How near a paper is in meaning is measured against what is
usual in the field (`digest.ranking.field_terms`), never against the other papers of the day.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from digest.models import Paper
from digest.ranking.array_types import Floats
from digest.ranking.embeddings import normalize_rows
from digest.ranking.field_terms import MAX_TELL, FieldTerms
from digest.ranking.tokenizer import normalize_text
from digest.ranking.word_forms import (
    FOLDED_STOPWORDS,
    fold_sentences,
    fold_word,
    remove_stopwords,
    split_words,
)

FEATURES = ("title", "phrase", "word", "near", "all", "first", "meaning", "title_meaning")
TITLE, PHRASE, WORD, NEAR, ALL, FIRST, MEANING, TITLE_MEANING = range(len(FEATURES))
WEIGHTS = np.array([2.58, 4.04, 3.4, 2.08, 2.31, 2.14, -0.18, 1.66], np.float32)
"""Of each feature in the logit; fitted by `python -m bench.picks_model`."""
MEANING_SCALE = 4.0  # standard deviations that count as 1
TITLE_WINDOW, WINDOW, KEYWORD_WINDOW = 3, 4, 2  # further words between those of a phrase, at most
FULL_LENGTH = 120  # words from which on a text counts in full: a few words are near to much by chance
FIRST_SENTENCES = 2  # of an abstract, which say what it is about
MIN_ACRONYM_TEXTS = 2  # texts that define an acronym so
MIN_ACRONYM_SHARE = 0.4  # of the texts of the most usual meaning, for another meaning
MIN_SHORT_SHARE = 0.5  # of the texts that define a short form, for it to stand for a long form
MIN_TYPED_LENGTH = 5  # letters of a word in which a slip is mended
MIN_KNOWN_TEXTS = 10  # texts with the word that a slip is mended to
MIN_PHRASE_TELL = 3.4  # what a phrase of a paragraph must tell: less is in every thirtieth paper
MAX_CACHED_TOPICS = 4_096
ALPHABET = "abcdefghijklmnopqrstuvwxyz"

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicMatch:
    """A topic compared with all papers of the day."""

    forms: tuple[Words, ...]  # folded words of each way to write the topic, as typed first
    tell: float  # how much its words tell
    vector: Floats  # not whitened; zeros if no term is known
    features: Floats  # a row for each of `FEATURES`, a column for each paper
    logit: Floats  # what the topic adds to the logit of each paper: `WEIGHTS` times `features`
    mentions: Floats  # how often each abstract says the phrase

    def is_said(self, index: int) -> bool:
        """Return True if the paper at *index* holds all words of the topic."""
        return bool(self.features[:FIRST, index].any())


class TopicMatcher:
    """The papers of a day, ready to be compared with any number of topics."""

    def __init__(self, papers: Sequence[Paper], field: FieldTerms) -> None:
        self._field = field.learn_acronyms([f"{paper.title}\n{paper.abstract}" for paper in papers])
        self._papers = [_FoldedPaper.fold(paper) for paper in papers]
        self._postings: dict[str, set[int]] = {}
        for index, paper in enumerate(self._papers):
            for word in paper.words:
                self._postings.setdefault(word, set()).add(index)
        encode, whiten = field.encode, field.whiten
        self._vectors = whiten(encode([*paper.title, *paper.abstract] for paper in self._papers))
        self._title_vectors = whiten(encode(paper.title for paper in self._papers))
        self._length_factor = np.sqrt(np.minimum(self._count_words() / FULL_LENGTH, 1))
        self._short_forms = _invert_acronyms(self._field)
        self._matches: OrderedDict[str, TopicMatch] = OrderedDict()

    def match(self, topics: Iterable[str]) -> dict[str, TopicMatch]:
        """Return the match of each topic, from a cache: many readers ask for the same."""
        found = {}
        new: dict[str, tuple[Words, ...]] = {}
        for topic in dict.fromkeys(topics):
            if topic in self._matches:
                found[topic] = self._matches[topic]
                self._matches.move_to_end(topic)
            else:
                new[topic] = self._find_forms(topic)
        found.update(self._compare(new))
        self._matches.update(found)
        while len(self._matches) > MAX_CACHED_TOPICS:
            self._matches.popitem(last=False)
        return found

    def compute_nearness(self, vectors: Floats) -> Floats:
        """Return how near each paper (a column) is to each vector (a row), 1 for four standard deviations."""
        nearness = self._scale(self._field.compare(self._field.whiten(vectors), self._vectors))
        return np.asarray(nearness * self._length_factor, np.float32)

    def _count_words(self) -> Floats:
        counts = (sum(map(len, chain(paper.title, paper.abstract))) for paper in self._papers)
        return np.fromiter(counts, np.float32, len(self._papers))

    def _compare(self, topics: dict[str, tuple[Words, ...]]) -> dict[str, TopicMatch]:
        if not topics:
            return {}
        vectors = self._encode_topics([*topics.values()])
        meaning = self.compute_nearness(vectors)
        title_meaning = self._scale(self._field.compare(self._field.whiten(vectors), self._title_vectors))
        matches = {}
        for row, (topic, forms) in enumerate(topics.items()):
            tell = self._field.compute_tell(forms[0])
            features = np.zeros((len(FEATURES), len(self._papers)), np.float32)
            mentions = self._fill_words(features, forms, tell / MAX_TELL)
            features[MEANING], features[TITLE_MEANING] = meaning[row], title_meaning[row]
            matches[topic] = TopicMatch(forms, tell, vectors[row], features, WEIGHTS @ features, mentions)
        return matches

    def _encode_topics(self, topics: Sequence[tuple[Words, ...]]) -> Floats:
        """Return the sum of the vectors of each topic's forms, as unit vectors."""
        if not topics:
            return self._field.vectors[:0]
        rows = self._field.encode([form] for form in chain.from_iterable(topics))
        starts = np.cumsum([0, *(len(forms) for forms in topics)])[:-1]
        return normalize_rows(np.add.reduceat(rows, starts, axis=0))

    @staticmethod
    def _scale(deviations: Floats) -> Floats:
        return np.asarray(np.maximum(deviations, 0) / MEANING_SCALE, np.float32)

    def _fill_words(self, features: Floats, forms: tuple[Words, ...], tell: float) -> Floats:
        """Write what each paper says into *features*, by the topic's best form; return the mentions."""
        is_word, mentions = len(forms[0]) == 1, np.zeros(len(self._papers), np.float32)
        for form in forms:
            if not form:
                continue
            by_word = [self._postings.get(word, set()) for word in form]
            for index in set.intersection(*by_word):
                said = self._papers[index].find(form, is_word=is_word, tell=tell)
                if said[:FIRST].sum() > features[:FIRST, index].sum():
                    features[: FIRST + 1, index] = said
                mentions[index] = max(mentions[index], self._papers[index].count(form))
        return mentions

    def _find_forms(self, topic: str) -> tuple[Words, ...]:
        """Return the ways to write a topic: as typed without slips, and with acronyms written out or used."""
        raw = [self._mend(fold_word(word)) for word in split_words(normalize_text(topic))]
        typed = _reduce(raw)
        forms = [typed]
        for position, word in enumerate(split_words(normalize_text(topic))):
            forms += [
                _reduce([*raw[:position], *long.split(), *raw[position + 1 :]])
                for long in self._get_long_forms(word)
            ]
        forms += [(fold_word(short),) for short in self._short_forms.get(" ".join(typed), ())]
        if len(typed) > 1 and (joined := "".join(typed)) in self._postings:
            forms.append((joined,))
        if len(typed) == 1:
            word = typed[0]
            parts = ((word[:end], word[end:]) for end in range(3, len(word) - 2))
            forms += [pair for pair in parts if " ".join(pair) in self._field.rows]
        return tuple(dict.fromkeys(forms))

    def _get_long_forms(self, short: str) -> list[str]:
        if short in FOLDED_STOPWORDS:
            return []
        long_forms = self._field.acronyms.get(short, {})
        least = max(MIN_ACRONYM_TEXTS, MIN_ACRONYM_SHARE * max(long_forms.values(), default=0))
        return [long for long, count in long_forms.items() if count >= least][:3]

    def _mend(self, word: str) -> str:
        """Return the known word that a word unknown to the field and to the day is one slip away from."""
        is_known = self._field.counts.get(word, 0) > 1 or word in self._postings
        if is_known or len(word) < MIN_TYPED_LENGTH or not (word.isascii() and word.isalpha()):
            return word
        known = {
            candidate: count
            for candidate in _list_slips(word)
            if (count := self._field.counts.get(candidate, 0)) >= MIN_KNOWN_TEXTS
        }
        return max(sorted(known), key=known.__getitem__, default=word)


@dataclass(frozen=True, slots=True)
class _FoldedPaper:
    """The folded words of a paper by sentence, and the same as text in which phrases are searched."""

    title: list[list[str]]
    abstract: list[list[str]]
    words: frozenset[str]
    title_text: str
    abstract_text: str
    keyword_text: str
    whole_text: str  # with function words
    first_words: tuple[frozenset[str], ...]

    @classmethod
    def fold(cls, paper: Paper) -> "_FoldedPaper":
        title, abstract = fold_sentences(paper.title), fold_sentences(paper.abstract)
        keywords = fold_sentences("\n".join(paper.keywords))
        return cls(
            title=title,
            abstract=abstract,
            words=frozenset(chain.from_iterable((*title, *abstract, *keywords))),
            title_text=_join(map(remove_stopwords, title)),
            abstract_text=_join(map(remove_stopwords, abstract)),
            keyword_text=_join(map(remove_stopwords, keywords)),
            whole_text=_join((*title, *abstract, *keywords)),
            first_words=tuple(frozenset(words) for words in abstract[:FIRST_SENTENCES]),
        )

    def find(self, form: Words, *, is_word: bool, tell: float) -> Floats:
        """Return the features up to FIRST for a form all of whose words are in this paper."""
        features = np.zeros(FIRST + 1, np.float32)
        phrase = f" {' '.join(form)} "
        is_several = len(form) > 1
        if any(word in FOLDED_STOPWORDS for word in form):
            in_title, is_said = False, phrase in self.whole_text
            if not is_said:
                return features
        else:
            in_title = phrase in self.title_text or (
                is_several and _is_near(form, self.title_text, TITLE_WINDOW)
            )
            is_said = (
                in_title
                or phrase in self.abstract_text
                or phrase in self.keyword_text
                or (is_several and _is_near(form, self.keyword_text, KEYWORD_WINDOW))
            )
        features[TITLE] = in_title
        if is_said:
            features[WORD if is_word else PHRASE] = tell
        elif not is_word:
            is_near = any(
                _is_near(form, text, WINDOW)
                for text in (self.title_text, self.abstract_text, self.keyword_text)
            )
            features[NEAR if is_near else ALL] = 1
        features[FIRST] = any(words.issuperset(form) for words in self.first_words)
        return features

    def count(self, form: Words) -> int:
        """Return how often the abstract says a form as a phrase."""
        return self.abstract_text.count(f" {' '.join(form)} ")


def _join(sentences: Iterable[Sequence[str]]) -> str:
    """Return the sentences as one text in which a word stands between spaces and a phrase in one sentence."""
    return "".join(f" {' '.join(sentence)} |" for sentence in sentences)


def _is_near(form: Words, text: str, window: int) -> bool:
    """Return True if a sentence holds all words of *form* with at most *window* others between them."""
    for sentence in text.split("|"):
        if not all(f" {word} " in sentence for word in form):
            continue
        words = sentence.split()
        places = [[place for place, word in enumerate(words) if word == wanted] for wanted in form]
        for start in places[0]:
            nearest = [min(own, key=lambda place: abs(place - start)) for own in places]
            if max(nearest) - min(nearest) < window + len(form):
                return True
    return False


def _reduce(words: Sequence[str]) -> Words:
    """Return a phrase without function words, unless they are most of it ("just in time")."""
    content = remove_stopwords(words)
    return content if content and (len(content) > 1 or len(words) <= 2) else tuple(words)


def _invert_acronyms(field: FieldTerms) -> dict[str, list[str]]:
    """Return the short forms of each long form, those that mostly stand for it."""
    short_forms: dict[str, list[str]] = {}
    for short, long_forms in field.acronyms.items():
        total = sum(long_forms.values())
        for long, count in long_forms.items():
            if count >= MIN_ACRONYM_TEXTS and count >= MIN_SHORT_SHARE * total:
                short_forms.setdefault(" ".join(_reduce(long.split())), []).append(short)
    return short_forms


def _list_slips(word: str) -> set[str]:
    """Return all words that one slip makes of a word: a letter left out, added, exchanged or swapped."""
    halves = [(word[:place], word[place:]) for place in range(1, len(word) + 1)]
    left_out = {head + letter + tail for head, tail in halves for letter in ALPHABET}
    added = {head + tail[1:] for head, tail in halves if tail}
    exchanged = {head + letter + tail[1:] for head, tail in halves if tail for letter in ALPHABET}
    swapped = {head + tail[1] + tail[0] + tail[2:] for head, tail in halves if len(tail) > 1}
    return left_out | added | exchanged | swapped
