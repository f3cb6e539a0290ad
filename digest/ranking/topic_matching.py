"""Topics compared with the papers of a day: what each paper says of a topic, and how near it is in meaning.

A keyword is a condition: a paper says it in the title, or all its words in the abstract or in its beginning;
some of its words alone say little. How near a paper is in meaning, by related terms, latent topics and the
sentence model if there is one, is measured on scales of the field (`digest.ranking.field_terms`), never
against the other papers of the day.
"""

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from threading import Lock

import numpy as np

from digest.models import Paper
from digest.ranking.array_types import Bools, Floats
from digest.ranking.embeddings import EmbeddingSpace, normalize_rows
from digest.ranking.field_terms import FieldTerms, NearnessMap, saturate
from digest.ranking.sparse_rows import PostingLists, SparseRows
from digest.ranking.tokenizer import normalize_text
from digest.ranking.word_forms import (
    FOLDED_STOPWORDS,
    fold_sentences,
    fold_word,
    remove_stopwords,
    split_words,
)

FEATURES = ("title", "said", "first", "title_meaning", "related", "sentence")
TITLE, SAID, FIRST, TITLE_MEANING, RELATED, SENTENCE = range(len(FEATURES))
MEANING_SCALE = 4.0  # standard deviations that count as 1
RELATED_SCALE, SENTENCE_SCALE = 0.25, 0.5  # cosines that count as 1
TITLE_WINDOW = 3  # further words between those of a phrase, at most
FULL_LENGTH, FULL_TITLE = 120, 6  # words from which on a text counts in full: few are near to much by chance
FIRST_SENTENCES = 2  # of an abstract, which say what it is about
MIN_ACRONYM_TEXTS = 2  # texts that define an acronym so
MIN_ACRONYM_SHARE = 0.4  # of the texts of the most usual meaning, for another meaning
MIN_SHORT_SHARE = 0.5  # of the texts that define a short form, for it to stand for a long form
MIN_TYPED_LENGTH = 5  # letters of a word in which a slip is mended
MIN_KNOWN_TEXTS = 10  # texts with the word that a slip is mended to
MIN_PHRASE_TELL = 3.4  # what a phrase of a paragraph must tell: less is in every thirtieth paper
MIN_LENGTH = 40.0  # of the weights of a paper: that of a short abstract, else a title alone were near to much
FULL_TELL = 13.0  # a word without the others of its phrase counts what it tells divided by this
UNSUPPORTED, SUPPORTED = 0.25, 2.0  # nearness in meaning counts up to the first + the second * RELATED
MAX_CACHED_CELLS = 4_000_000  # of topics, each with a cell for every paper: 32 MB
MIN_ABOUT_MENTIONS = 2  # in an abstract, from which on it is about a topic
MIN_NUMBERED_LETTERS = 3  # of a name before its number (GPT4)
_SYMBOLS = re.compile(r"(?<!\w)([CF])(\+\+|#)", re.IGNORECASE)
_PLURAL = re.compile(r"(?<=\w[A-Z])s\b")  # of an acronym (GNNs, VLAs); "gas" and "arms" are none
_NUMBERED = re.compile(rf"([^\W\d_]{{{MIN_NUMBERED_LETTERS},}})(\d+)")
ENDINGS = ("ing", "ed", "er", "ion")  # that folding takes off
ALPHABET = "abcdefghijklmnopqrstuvwxyz"

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicMatch:
    """What is kept of a topic compared with all papers of the day."""

    tell: float  # how much its words tell
    vector: Floats  # not whitened; zeros if no term is known
    logit: Floats  # what the topic adds to the logit of each paper
    related: np.ndarray[tuple[int, ...], np.dtype[np.float16]]  # the feature, in half precision
    is_said: Bools  # papers that hold all its words
    is_about: Bools  # papers with the phrase in the title, or several times in the abstract


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A topic compared with all papers of the day, in full."""

    vector: Floats  # not whitened; zeros if no term is known
    features: Floats  # a row for each of `FEATURES`, a column for each paper
    mentions: Floats  # how often each abstract says the phrase


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Of the logit that a reader wants a paper (`digest.ranking.wanted`)."""

    topic: Floats  # of each of `FEATURES`
    interest: float  # of the nearness to the whole interest
    intercept: float


BY_WORDS = Coefficients(np.array([1.3, 0, 0.85, 4.35, 6.25, 0], np.float32), interest=3.22, intercept=-7.61)
BY_SENTENCES = Coefficients(
    np.array([1.44, 0, 0.85, 3.8, 5.7, 1.42], np.float32), interest=3.33, intercept=-7.57
)
"""Fitted by `python -m bench.picks_model`, without and with the sentence model."""


class TopicMatcher:
    """The papers of a day, ready to be compared with any number of topics.

    *sentences* is the space of a sentence model that `BY_SENTENCES` was fitted to.
    """

    def __init__(
        self, papers: Sequence[Paper], field: FieldTerms, sentences: EmbeddingSpace | None = None
    ) -> None:
        self._sentences = sentences
        self.coefficients = BY_SENTENCES if sentences else BY_WORDS
        self._field = field.learn_acronyms([f"{paper.title}\n{paper.abstract}" for paper in papers])
        texts = [
            (fold_sentences(_spell_names(paper.title)), fold_sentences(_spell_names(paper.abstract)))
            for paper in papers
        ]
        self._papers = [
            _FoldedPaper.fold(title, abstract, fold_sentences("\n".join(paper.keywords)))
            for paper, (title, abstract) in zip(papers, texts, strict=True)
        ]
        self._postings: dict[str, array[int]] = {}  # a set of each would take five times the memory
        for index, paper in enumerate(self._papers):
            for word in paper.list_words():
                self._postings.setdefault(word, array("i")).append(index)
        counts = field.count([*title, *abstract] for title, abstract in texts)
        titles = field.count(title for title, _ in texts)
        weights = field.weigh(counts)
        self._terms, self._lengths = PostingLists(weights), np.maximum(weights.compute_lengths(), MIN_LENGTH)
        factor = _compute_factor(([*title, *abstract] for title, abstract in texts), FULL_LENGTH)
        title_factor = _compute_factor((title for title, _ in texts), FULL_TITLE)
        self._nearness = NearnessMap(field, field.encode(counts), factor / MEANING_SCALE)
        self._title_nearness = NearnessMap(field, field.encode(titles), title_factor / MEANING_SCALE)
        self._short_forms = _invert_acronyms(self._field)
        self._matches: OrderedDict[str, TopicMatch] = OrderedDict()
        self._lock = Lock()  # pages are made in several threads

    def match(self, topics: Iterable[str]) -> dict[str, TopicMatch]:
        """Return the match of each topic, from a cache: many readers ask for the same."""
        with self._lock:
            return self._match(topics)

    def _match(self, topics: Iterable[str]) -> dict[str, TopicMatch]:
        found = {}
        new: dict[str, tuple[Words, ...]] = {}
        for topic in dict.fromkeys(topics):
            if topic in self._matches:
                found[topic] = self._matches[topic]
                self._matches.move_to_end(topic)
            else:
                new[topic] = self._find_forms(topic)
        for (topic, forms), compared in zip(new.items(), self._compare(new), strict=True):
            found[topic] = TopicMatch(
                tell=self._field.compute_tell(forms[0]),
                vector=compared.vector,
                logit=self.coefficients.topic @ compared.features,
                related=compared.features[RELATED].astype(np.float16),
                is_said=compared.features[SAID] > 0,
                is_about=(compared.features[TITLE] > 0) | (compared.mentions >= MIN_ABOUT_MENTIONS),
            )
        self._matches.update(found)
        while len(self._matches) * len(self._papers) > MAX_CACHED_CELLS:
            self._matches.popitem(last=False)
        return found

    def compute_nearness(self, members: SparseRows, topics: Sequence[TopicMatch]) -> Floats:
        """Return how near each paper (a column) is to each interest (a row), 1 for four standard deviations.

        *members* says which of the *topics* (across) an interest (down) has.
        """
        vectors = normalize_rows(np.array([topic.vector for topic in topics], np.float32))
        return self._nearness.compute(vectors, members)

    def compare_documents(self, topics: Floats) -> Floats:
        """Return the same for the latent topics of other texts: a row for each text or mean of texts."""
        return self._nearness.compute(topics)

    def compute_features(self, topics: Sequence[str]) -> list[Floats]:
        """Return for each topic a row for each of `FEATURES` and a column for each paper."""
        return [match.features for match in self._compare({name: self._find_forms(name) for name in topics})]

    def _compare(self, topics: Mapping[str, tuple[Words, ...]]) -> Iterator[_Comparison]:
        """Yield the topics compared with the papers, one after the other: together they are large."""
        if not topics:
            return
        forms = [*chain.from_iterable(topics.values())]
        starts = np.cumsum([0, *map(len, topics.values())])[:-1]
        by_form = self._field.encode(self._field.count([form] for form in forms))
        vectors = normalize_rows(np.add.reduceat(by_form, starts, axis=0))
        title_meaning = self._title_nearness.compute(vectors)
        related = np.maximum.reduceat(self._compare_related(forms), starts, axis=0)
        sentence = self._compare_sentences([*topics])
        for row, own in enumerate(topics.values()):
            features = np.zeros((len(FEATURES), len(self._papers)), np.float32)
            mentions = self._fill_words(features, own)
            features[RELATED] = related[row] / RELATED_SCALE
            features[TITLE_MEANING] = limit_meaning(np.log1p(title_meaning[row]), features[RELATED])
            if sentence is not None:
                features[SENTENCE] = sentence[row]
            yield _Comparison(vectors[row], features, mentions)

    def _compare_related(self, forms: Sequence[Words]) -> Floats:
        """Return the cosine of each paper (a column) with the terms that are related to each phrase (a row).

        A word that the field does not know stands for itself. A word of a phrase in a paper without all its
        words counts the less, the less it tells.
        """
        terms = self._field.expand(forms)
        scores, squares = self._terms.multiply(terms), terms.compute_lengths() ** 2
        columns = self._terms.by_column
        for row, form in enumerate(forms):
            entries = slice(terms.ends[row], terms.ends[row + 1])
            weights = dict(zip(terms.columns[entries].tolist(), terms.values[entries].tolist(), strict=True))
            alone = np.zeros(len(self._papers), np.float32)
            for word in form:
                if (column := self._field.rows.get(word)) is not None:
                    entries = slice(columns.ends[column], columns.ends[column + 1])
                    excess = weights.get(column, 0) * (1 - min(1.0, self._field.rarity[column] / FULL_TELL))
                    alone[columns.columns[entries]] += excess * columns.values[entries]
                    continue
                square = self._field.compute_rarity(word) ** 2
                squares[row] += square
                papers = self._postings.get(word, array("i"))
                counts = [square * saturate(self._papers[index].count_word(word)) for index in papers]
                scores[row, papers] += np.array(counts, np.float32)
            if len(form) > 1:
                alone[self._find_with_all(form)] = 0
                scores[row] -= alone
        cosines = scores / np.sqrt(np.maximum(squares, 1))[:, None] / self._lengths
        return np.asarray(np.maximum(cosines, 0), np.float32)

    def _compare_sentences(self, topics: Sequence[str]) -> Floats | None:
        """Return how near each paper (a column) is to each topic (a row) by the sentence model, if any.

        The model was trained so that its cosines mean the same for all texts; a small one means nothing.
        """
        if self._sentences is None:
            return None
        cosines = self._sentences.compare_vectors(self._sentences.encode(topics))
        return np.asarray(np.square(np.maximum(cosines, 0) / SENTENCE_SCALE), np.float32)

    def _fill_words(self, features: Floats, forms: tuple[Words, ...]) -> Floats:
        """Write what each paper says into *features*, by the topic's best form; return the mentions."""
        mentions = np.zeros(len(self._papers), np.float32)
        for form in filter(None, forms):
            indices = self._find_with_all(form)
            phrase, words = f" {' '.join(form)} ", [f" {word} " for word in form]
            has_function_words = not FOLDED_STOPWORDS.isdisjoint(form)
            papers = [self._papers[index] for index in indices]
            said = np.array(
                [paper.find(form, phrase, words, strict=has_function_words) for paper in papers], np.float32
            ).reshape(-1, FIRST + 1)
            is_better = said.sum(axis=1) > features[: FIRST + 1, indices].sum(axis=0)
            features[: FIRST + 1, np.array(indices, np.intp)[is_better]] = said[is_better].T
            counts = [paper.abstract_text.count(phrase) for paper in papers]
            mentions[indices] = np.maximum(mentions[indices], counts)
        return mentions

    def _find_with_all(self, form: Words) -> list[int]:
        """Return the papers that say all words of a form."""
        by_word = sorted((self._postings.get(word, ()) for word in form), key=len)
        return [*{*by_word[0]}.intersection(*by_word[1:])]

    def _find_forms(self, topic: str) -> tuple[Words, ...]:
        """Return the ways to write a topic: as typed without slips, and with acronyms written out or used."""
        topic = _spell_names(topic)
        words = split_words(normalize_text(topic))
        raw = [self._mend(word) for word in words]
        typed = _reduce(raw)
        forms = [typed]
        for position, word in enumerate(words):
            forms += [
                _reduce([*raw[:position], *long.split(), *raw[position + 1 :]])
                for long in self._get_long_forms(word)
            ]
        forms += [(fold_word(short),) for short in self._short_forms.get(" ".join(typed), ())]
        if len(typed) > 1 and (joined := "".join(typed)) in self._postings:
            forms.append((joined,))
        if len(typed) == 1:
            word = typed[0]
            forms += [match.groups() for match in [_NUMBERED.fullmatch(word)] if match]
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
        """Return the folded word; if field and day do not know it, the known word one slip away, folded."""
        folded = fold_word(word)
        is_known = self._field.counts.get(folded, 0) > 1 or folded in self._postings
        if is_known or len(word) < MIN_TYPED_LENGTH or not (word.isascii() and word.isalpha()):
            return folded
        slips = _list_slips(folded)  # of "learnig" too: a slip in an ending hides it from folding
        slips |= {fold_word(slip) for slip in slips if slip.endswith(ENDINGS)}
        known = {
            slip: count for slip in slips if (count := self._field.counts.get(slip, 0)) >= MIN_KNOWN_TEXTS
        }
        return max(sorted(known), key=known.__getitem__, default=folded)


def limit_meaning(nearness: Floats, related: Floats) -> Floats:
    """Return the nearness in meaning as far as related terms support it.

    A rare word alone ("protein" in "protein folding") makes a paper about protein bars near.
    """
    return np.asarray(np.minimum(nearness, UNSUPPORTED + SUPPORTED * related), np.float32)


@dataclass(frozen=True, slots=True)
class _FoldedPaper:
    """The folded words of a paper as text in which phrases are searched."""

    title_text: str
    abstract_text: str
    whole_text: str  # with function words
    first_text: str  # the first sentences of the abstract

    @classmethod
    def fold(
        cls, title: Sequence[list[str]], abstract: Sequence[list[str]], keywords: Sequence[list[str]]
    ) -> "_FoldedPaper":
        return cls(
            title_text=_join(map(remove_stopwords, title)),
            abstract_text=_join(map(remove_stopwords, abstract)),
            whole_text=_join((*title, *abstract, *keywords)),
            first_text=_join(abstract[:FIRST_SENTENCES]),
        )

    def list_words(self) -> set[str]:
        """Return all words, each once."""
        return {word for word in self.whole_text.split() if word != "|"}

    def find(
        self, form: Words, phrase: str, words: Sequence[str], *, strict: bool
    ) -> tuple[float, float, float]:
        """Return the features up to FIRST for a form all of whose words are in this paper.

        *phrase* and *words* are the form as it stands in texts; if *strict* the words count together only.
        """
        if strict and phrase not in self.whole_text:
            return 0, 0, 0
        is_title = phrase in self.title_text or (
            len(form) > 1 and not strict and _is_near(form, self.title_text, TITLE_WINDOW)
        )
        is_first = phrase in self.first_text or (
            len(form) > 1
            and any(all(word in sentence for word in words) for sentence in self.first_text.split("|"))
        )
        return is_title, 1, is_first

    def count_word(self, word: str) -> int:
        """Return how often title and abstract say a word."""
        return (self.title_text + self.abstract_text).count(f" {word} ")


def _compute_factor(texts: Iterable[Sequence[list[str]]], full_length: int) -> Floats:
    """Return what the nearness of each text counts: all of it from *full_length* words on."""
    counts = np.array([sum(map(len, sentences)) for sentences in texts], np.float32)
    return np.asarray(np.sqrt(np.minimum(counts / full_length, 1)), np.float32)


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


def _spell_names(text: str) -> str:
    """Return a text in which languages named with symbols (C++) are words, and acronyms are singular."""
    text = _PLURAL.sub("", text)
    if "++" not in text and "#" not in text:
        return text
    return _SYMBOLS.sub(lambda match: f"{match[1]}{'plus' * match[2].count('+') or 'sharp'} ", text)


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
