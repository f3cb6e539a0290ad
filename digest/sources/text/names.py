"""Names of people in lists: where one ends, and which way round it is written."""

import re
from collections.abc import Iterator

_SUFFIX = re.compile(r"(?:jr|sr|junior|senior|ii|iii|iv|2nd|3rd)\.?", re.IGNORECASE)
# Without dots. In capitals only where a name is spelt so too; MA and MS are as often initials.
_DEGREE = re.compile(
    r"(?i:phd|md|bsc|msc|dphil|esq|pharmd|scd|edd|psyd|drph|mbchb)|MPH|MBA|MBBS|DDS|DMD|DVM|DNP|MSN|MHS|MSPH|LLM"
    r"|FAC[CPS]|FAHA|FAAN|FESC|FRC[PS]C?|MRCP"
)
_AFFILIATION = re.compile(r"(?<=[\w.]) ?\([^()]{0,200}\)(?=\s*(?:[,;&]|and\b|$))", re.IGNORECASE)
_AFFILIATION_MARK = re.compile(r"(?<![ÂÃÄÅ])[⁰¹²³⁴-⁹*†‡§¶]")  # Ã¶ is a mangled ö
_WHOLE_NAME = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3]{2,}")  # 张伟 is family and given name
_PARTICLES = frozenset(
    "da das de del dela della den der des di do dos du el la le les ten ter van vande vander von zu zur af av"  # noqa: SIM905
    " al bin ibn".split()
)
_CERTAIN_MARK = re.compile(r"[;；\n|•]")
_CHINESE_COMMAS = str.maketrans("，、", ",,")
# In what follows a run of blanks is one space: `\s*,?\s+` would take cubic time on a long one.
_BLANKS = re.compile(r"[^\S\n]+")
_WORD_MARK = re.compile(r" ?,? (?:and|&|und|et) ", re.IGNORECASE)
_ET_AL = re.compile(r"(?<=[ ,])et al\b\.?", re.IGNORECASE)
_BYLINE = re.compile(r"^ ?(?:by|von|par|por)(?: :|[: ]) ?", re.IGNORECASE)
_ADDRESS_WITH_NAME = re.compile(r"^\S{1,200}@\S{1,200}\s*\(([^()]{1,200})\)$")
_ADDRESS = re.compile(r" ?(?:[<(]?(?:mailto:)?[^\s<>()@]{1,100}@[^\s<>()@]{1,200}[>)]?)")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[\s-]?){1,4}")


def split_names(text: str, *, is_list: bool) -> list[str]:
    """Return the names in *text* as "Given Family", without addresses, degrees and marks of affiliations.

    Args:
        text: one person's name, or a list of names with `;`, `and`, `&` or commas between them.
        is_list: whether commas may separate people; else they belong to one name.
    """
    text = _BLANKS.sub(" ", text)
    if match := _ADDRESS_WITH_NAME.match(text.strip()):
        text = match[1]
    elif "@" in text:
        text = _ADDRESS.sub("", text)
    text = _AFFILIATION_MARK.sub("", text)
    if is_list:
        text = _AFFILIATION.sub("", text).translate(_CHINESE_COMMAS)
    parts = _CERTAIN_MARK.split(text) if is_list else [text]
    if len(parts) > 1 or not is_list:
        names = [invert_name(part) for part in parts]
    else:
        parts = _WORD_MARK.split(_ET_AL.sub("", _BYLINE.sub("", text)))
        names = [name for part in parts for name in _split_at_commas(part)]
    return list(filter(None, names))


def invert_name(text: str) -> str:
    """Return `Family, Given, Suffix` as `Given Family Suffix`, and a name without commas as it is."""
    pieces = _split_pieces(text)
    family, suffix = _split_suffix(pieces[0]) if pieces else ("", "")
    given: list[str] = []
    suffixes = [suffix]
    for piece in pieces[1:]:
        name, suffix = _split_suffix(piece)
        given.append(name)
        suffixes.append(suffix)
    return " ".join(filter(None, [*given, family, *suffixes]))


def _split_at_commas(text: str) -> Iterator[str]:
    """Yield the names of a list without other marks; `Family, Given` and suffixes are told from it."""
    words: list[list[str]] = []
    for piece in _split_pieces(text):
        if words and _SUFFIX.fullmatch(piece):
            words[-1].append(piece)
        else:
            words.append([piece])
    pieces = [" ".join(parts) for parts in words]
    if _is_inverted(pieces):
        for family, given in zip(pieces[::2], pieces[1::2], strict=True):
            yield invert_name(f"{family}, {given}")
    else:
        yield from pieces


def _split_pieces(text: str) -> list[str]:
    """Return what stands between the commas, without academic degrees."""
    pieces = (piece.strip() for piece in text.split(","))
    return [piece for piece in pieces if piece and not _is_degree(piece)]


def _is_degree(piece: str) -> bool:
    words = piece.replace(".", "").split()
    return all(map(_DEGREE.fullmatch, words)) or _DEGREE.fullmatch("".join(words)) is not None


def _split_suffix(name: str) -> tuple[str, str]:
    """Return a name and its suffix: `King Jr.` and `Jr.` have one."""
    words = name.split()
    return (" ".join(words[:-1]), words[-1]) if words and _SUFFIX.fullmatch(words[-1]) else (name, "")


def _is_inverted(pieces: list[str]) -> bool:
    """Return whether the pieces are family and given name in turn, as no piece is a whole name by itself."""
    if not pieces or len(pieces) % 2:
        return False
    families, givens = pieces[::2], [_split_suffix(piece)[0] for piece in pieces[1::2]]
    if all(map(_is_family, families)):
        return len(pieces) == 2 or all(map(_is_given, givens))
    return len(pieces) == 2 and _is_given(givens[0]) and not _INITIALS.fullmatch(families[0])


def _is_given(name: str) -> bool:
    is_one_word = " " not in name and all(part.istitle() for part in name.split("-"))
    return bool(is_one_word or _INITIALS.fullmatch(name))


def _is_family(name: str) -> bool:
    words = _split_suffix(name)[0].split()
    if _WHOLE_NAME.fullmatch(name):
        return False
    return len(words) == 1 or (len(words) > 1 and words[0] in _PARTICLES)
