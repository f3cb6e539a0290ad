"""Word forms: what a keyword and an abstract may write differently and mean alike.

Plural and verb endings, British and American spelling, hyphens and accents make no difference. Coarser than
`digest.ranking.tokenizer.stem`: it decides whether a paper says what a reader typed, not how rare a term is.
`field_terms.npz` holds folded words: `python -m bench.field_terms` makes it anew after a change here.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from digest.ranking.tokenizer import SENTENCE_END, STOPWORDS, normalize_text, stem


def _read_pairs(table: str) -> dict[str, str]:
    return dict(pair.split("/") for pair in table.split())


_WORD = re.compile(r"[^\W_]+")
_OUR = re.compile(r"(?<=[a-z]{2})our(?=$|s$|al|ed|ing|able|ite|less|ful|ist|ism|ation)")
_NO_OUR = frozenset({"four", "hour", "tour", "pour", "sour", "flour", "detour", "contour", "glamour", "your"})
_NO_ISE = frozenset(
    """
    adv appra ar br chast comprom conc cru dem denoi dev disgu enterpr exerc expert franch improv likew
    merchand no otherw parad pra prec prem prom ra rev r surm superv surpr treat w
    """.split()  # noqa: SIM905  a page of words reads better than a page of quotes
)
"""What precedes "ise" in words that nobody writes with "ize"."""

_ISE = ("isation", "ising", "ised", "iser", "ise")
_BRITISH = (
    (re.compile(r"(?<=...)yse(?=d?$)"), "yze"),
    (re.compile(r"(?<=...)ysing$"), "yzing"),
    (re.compile(r"(?<=...el)l(?=ing$|ed$|er$)"), ""),
    (re.compile(r"(?<=met|lit|ent|fib|eat|euv)re$"), "er"),
    (re.compile(r"(?<=[a-z]l)ysis$"), "yze"),  # the noun: analysis, catalysis
)
_LIGATURES = _read_pairs(
    """
    aemi/emi aesth/esth aetiol/etiol archaeo/archeo caesar/cesar faec/fec gynaec/gynec haem/hem paed/ped
    palaeo/paleo coelia/celia foet/fet manoeuv/maneuv oedem/edem oesoph/esoph oestr/estr pnoe/pne rrhoe/rrhe
    """
)
"""Parts of words that British English writes with ae or oe."""

_VARIANTS = _read_pairs(
    """
    adaptor/adapter ageing/aging aluminium/aluminum artefact/artifact centred/centered cheque/check
    defence/defense enrol/enroll formation/form fulfil/fulfill grey/gray judgement/judgment licence/license
    mould/mold offence/offense practise/practice programme/program sceptic/skeptic sulphate/sulfate
    sulphide/sulfide sulphur/sulfur
    """
)
"""Other spellings of the same word."""

_PLURALS = _read_pairs(
    """
    algae/alga antennae/antenna appendices/appendix automata/automaton axes/axis bacteria/bacterium
    children/child corpora/corpus crises/crisis criteria/criterion diagnoses/diagnosis feet/foot
    formulae/formula fungi/fungus gases/gas helices/helix hypotheses/hypothesis indices/index larvae/larva
    lens/lens lenses/lens loci/locus matrices/matrix metastases/metastasis mice/mouse news/news
    nuclei/nucleus phenomena/phenomenon prognoses/prognosis simplices/simplex spectra/spectrum
    stimuli/stimulus strata/stratum syntheses/synthesis teeth/tooth theses/thesis vertebrae/vertebra
    vertices/vertex vortices/vortex women/woman
    """
)
"""Plurals of another form than those that end in s, and words that end in s in the singular."""

_KEPT = re.compile(r"(?:eer|transformer|adapter|accelerator|operator|carbonat|designat|fabricat|templat)$")
"""Words that mean something else than the verb they seem to come from, as "transformer" and "transform"."""

_NO_VERB = re.compile(r"eed$|^embed$")
_VOWEL = re.compile(r"[aeiouy]")
_SHORT_VERB = re.compile(r"(?:[^aeiouy]|qu)*[aeiouy][^aeiouywx]")  # "tun" of "tuning" but not of "tunning"


@lru_cache(maxsize=200_000)
def fold_word(word: str) -> str:
    """Return the form that all spellings and endings of a word share.

    >>> [fold_word(word) for word in ("optimisation", "optimized", "behaviours", "recommender", "detecting")]
    ['optimiz', 'optimiz', 'behavior', 'recommend', 'detect']
    >>> [fold_word(word) for word in ("generation", "generates", "tuned", "tuning", "matrices", "leukaemia")]
    ['gener', 'gener', 'tune', 'tune', 'matrix', 'leukemia']
    """
    word = _PLURALS.get(word) or stem(word)
    if len(word) <= 3 or not (word.isascii() and word.isalpha()):
        return word
    return _fold_ending(_fold_spelling(word))


def fold_sentences(text: str) -> list[list[str]]:
    """Return the folded words of each sentence, function words included."""
    return [
        [fold_word(word) for word in split_words(sentence)]
        for sentence in SENTENCE_END.split(normalize_text(text))
    ]


def split_words(normalized: str) -> list[str]:
    """Return the words and numbers of a text that is normalized already; hyphenated words in their parts."""
    return [word for word in _WORD.findall(normalized) if len(word) > 1 or word.isdigit()]


def remove_stopwords(words: Sequence[str]) -> tuple[str, ...]:
    """Return the folded words that are no function words."""
    return tuple([word for word in words if word not in FOLDED_STOPWORDS])


def _fold_spelling(word: str) -> str:
    """Return the American spelling."""
    if "our" in word and word not in _NO_OUR:
        word = _OUR.sub("or", word)
    if "ae" in word or "oe" in word:
        for british, american in _LIGATURES.items():
            word = word.replace(british, american)
    if word.endswith("logue"):
        return word[:-2]
    word = _VARIANTS.get(word, word)
    for ending in _ISE:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            start = word[: -len(ending)]
            return word if start in _NO_ISE else f"{start}iz{ending[2:]}"
    for pattern, american in _BRITISH:
        word = pattern.sub(american, word)
    return word


def _fold_ending(word: str) -> str:
    """Return a word without the endings of verbs, of what is done and of who does it."""
    base = _drop_verb_ending(word)
    size = len(base)
    if _KEPT.search(base):
        return base
    if base.endswith("ier") and size > 6:
        return base[:-3] + "y"
    if base.endswith("ification"):
        return base[:-7] + "y"
    if base.endswith(("er", "tor", "sor")) and size > 6:
        base = base[:-2]
    elif base.endswith(("sion", "tion")) and size > 7:
        base = base[:-3]
    if base.endswith("e") and len(base) > 4 and not _SHORT_VERB.fullmatch(base[:-1]):
        base = base[:-1]
    if base.endswith("at") and len(base) > 6 and base != word and not _KEPT.search(base):
        base = base[:-2]  # "adaptation" and "adapt", "generation" and "generate"
    return _undouble(base)


def _drop_verb_ending(word: str) -> str:
    """Return a verb without -ing or -ed, as it was before: "tune", "map", "learn"."""
    size = len(word)
    if word.endswith("ying") and size > 6:
        return word[:-4] + "y"
    if word.endswith("ied") and size > 4:
        return word[:-3] + "y"
    verb = word.removesuffix("ing") if word.endswith("ing") else word.removesuffix("ed")
    if verb == word or len(verb) < 3 or _NO_VERB.search(word) or not _VOWEL.search(verb):
        return word
    return f"{verb}e" if _SHORT_VERB.fullmatch(verb) else _undouble(verb)


def _undouble(word: str) -> str:
    """Return "map" for "mapp", "distil" for "distill"; "pass" and "drill" stay."""
    if word[-1] != word[-2] or word[-1] in "eosz" or len(word) < (7 if word[-1] == "l" else 4):
        return word
    return word[:-1]


FOLDED_STOPWORDS = STOPWORDS | {fold_word(word) for word in STOPWORDS}
