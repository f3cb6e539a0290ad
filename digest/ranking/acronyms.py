"""Acronyms and what they stand for, learnt from texts that write "long form (SHORT)".

After Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in biomedical text"
(2003, PSB 8, 451-462): the letters of the short form occur in order in the words before the bracket. Here at
least half of them must also begin a word.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from digest.ranking.tokenizer import normalize_text
from digest.ranking.word_forms import fold_word, split_words

Acronyms = Mapping[str, Mapping[str, int]]
"""For each short form in lower case: folded long forms, and how many texts define it so."""

LONG_FORM_REACH = 150  # characters before the bracket in which a long form may begin
MIN_CAPITALS = 2
MIN_WORD_RATIO = 3  # letters of a single word for each letter of its short form: (EEG), not (Adam)

_SHORT = re.compile(r"\(([A-Za-z0-9][A-Za-z0-9-]{1,9}?)s?\)")
_WORD = re.compile(r"[A-Za-z0-9]+")


def learn_acronyms(texts: Iterable[str]) -> dict[str, Counter[str]]:
    """Return the acronyms that these texts define."""
    acronyms: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for match in _SHORT.finditer(text):
            short = match.group(1)
            if sum(letter.isupper() for letter in short) < MIN_CAPITALS:
                continue
            long = _find_long_form(text[max(0, match.start() - LONG_FORM_REACH) : match.start()], short)
            if long and long.casefold() != short.casefold():
                folded = " ".join(fold_word(word) for word in split_words(normalize_text(long)))
                acronyms[short.casefold()][folded] += 1
    return dict(acronyms)


def _find_long_form(before: str, short: str) -> str:
    """Return the words right before the bracket that the short form stands for, or an empty string."""
    letters = [letter for letter in short.casefold() if letter.isalnum()]
    text = " ".join(_WORD.findall(before)[-min(len(letters) + 5, 2 * len(letters)) :])
    lowered, position = text.casefold(), len(text) - 1
    for number in range(len(letters) - 1, -1, -1):
        while position >= 0 and (
            lowered[position] != letters[number]
            or (number == 0 and position > 0 and lowered[position - 1] != " ")
        ):
            position -= 1
        if position < 0:
            return ""
        position -= 1
    words = text[position + 1 :].split()
    if len(words) == 1:
        return words[0] if len(words[0]) >= MIN_WORD_RATIO * len(letters) else ""
    initials, begun = [word[0].casefold() for word in words], 0
    count = 0
    for letter in letters:
        if letter in initials[begun:]:
            begun = initials.index(letter, begun) + 1
            count += 1
    is_made_of_initials = count >= max(2, (len(letters) + 1) // 2)
    return " ".join(words) if is_made_of_initials and len(words) <= len(letters) + 3 else ""
