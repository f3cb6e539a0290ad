"""Texts of bioRxiv's and medRxiv's API, which hold the marks of HighWire's typesetting.

`O_LI` opens a list item, `C_LI` closes it, `M_FIG` stands within a figure; a character may be `{beta}` or
`[&ge;]`. A heading is glued to the text behind it (`BackgroundSheep sleep.`), after a line break.
"""

import re

from digest.sources.text.latex_symbols import GREEK

_CHARACTERS = GREEK | {
    "+/-": "±", "degrees": "°", "middle dot": "·", "micro": "µ", "square": "□", "approx": "≈", "infty": "∞",
    "gtrsim": "≳", "lesssim": "≲", "uparrow": "↑", "downarrow": "↓", "rightarrow": "→", "Rightarrow": "⇒",
    "triangleup": "△", "whitebullet": "◦", "bullet": "•", "pound": "£", "euro": "€", "superscript 1": "¹",
    "superscript 2": "²", "superscript 3": "³", "~": "\u223c", "~=": "≃", "->": "→", "-&gt;": "→",
    "&ge;": "≥", "&le;": "≤", "&gt;": "&gt;", "&lt;": "&lt;",
}  # fmt: skip
_CHARACTER = re.compile(r"(?<![_^{])[{\[]([^][{}\n]{1,13})[}\]]")
_SMALL_CAPITALS = re.compile(r"[OC]_(?:SCPLOW|SCPCAP)")
_PICTURE = re.compile(
    r"(?:(?i:graphical abstract|toc graphic)\s{0,8})?"
    r"O_(FIG|TBL)(?:(?!O_FIG|O_TBL).)*?C_\1(?:_DISPLAY)?",
    re.DOTALL,
)
_MARKED_HEADING = re.compile(r"O_ST_ABS([^\n]{0,200}?)C_ST_ABS")
_PAIRS = "ST_ABS LI LST TEXTBOX QD FD INLINEFIG FLOATNO TABLECAPTION".split()  # noqa: SIM905
_MARK = re.compile(rf"[OCM]_({'|'.join(_PAIRS)})")
_NAMES = (
    "summary", "author summary", "lay summary", "background", "introduction", "rationale", "motivation",
    "context", "importance", "aim", "aims", "significance", "significance statement", "objective",
    "objectives", "purpose", "hypothesis", "design", "setting", "participants", "method", "methods",
    "methodology", "materials and methods", "methods and results", "methods and findings", "approach",
    "result", "results", "finding", "findings", "interpretation", "discussion", "conclusion", "conclusions",
    "limitations", "implications", "funding", "highlight", "highlights", "key points", "key messages",
    "teaser", "availability", "availability and implementation", "contact", "supplementary information",
    "trial registration",
)  # fmt: skip
# Before a capital, also that of mRNA, before a number, or alone on a line. AIM2 and Aim2 are genes.
_HEADING_FORM = r"^[^\S\n]*(?!(?:Aim|AIM)S?\d)({})(?!S\b)(?=[a-z]{{0,4}}[A-Z]|\d|[^\S\n]*\n)"
_FORMS = {form for name in _NAMES for form in (name.capitalize(), name.title(), name.upper())}
_HEADING = re.compile(_HEADING_FORM.format("|".join(sorted(_FORMS, key=len, reverse=True))), re.MULTILINE)
# The only one of a text: others may begin a name, as in `DesignMaster writes protocols.`
_ONLY_HEADING = re.compile(_HEADING_FORM.format("Background|BACKGROUND|Introduction|INTRODUCTION"))
_OWN_HEADING = re.compile(
    r"^(?:(?:Structured |STRUCTURED )?(?:[Aa]bstract|ABSTRACT)|Summary|SUMMARY)(?:/Summary)?"
    r"(?:\s*[:\n]\s*|(?=[A-Z]))"
)


def decode_characters(text: str) -> str:
    """Return a text with its letters: β for `{beta}`, METAMUSE for `MO_SCPLOWETAMUSEC_SCPLOW`."""
    if "\\" not in text:  # else the braces are TeX's
        text = _CHARACTER.sub(lambda found: _CHARACTERS.get(found[1], found[0]), text)
    return _SMALL_CAPITALS.sub("", text)


def decode_abstract(text: str) -> str:
    """Return an abstract without marks, figures and tables: headings as `Background: `, lists with bullets.

    The heading of the whole text is dropped.
    """
    text, marked = _MARKED_HEADING.subn(_format_marked_heading, _PICTURE.sub("\n", decode_characters(text)))
    pairs = {name for name in _PAIRS if f"O_{name}" in text and f"C_{name}" in text}  # NO_LIMIT is a word
    text = _MARK.sub(lambda mark: _replace_mark(mark) if mark[1] in pairs else mark[0], text)
    first, line_break, others = _OWN_HEADING.sub("", text.strip()).partition("\n")
    others, glued = _HEADING.subn(_format_heading, others)
    opening = _HEADING if marked or glued else _ONLY_HEADING
    return opening.sub(_format_heading, first + line_break, count=1) + others


def _replace_mark(mark: re.Match[str]) -> str:
    return "\n• " if mark[0] == "O_LI" else " "


def _format_marked_heading(heading: re.Match[str]) -> str:
    name = heading[1].strip(" .:")
    return f"\n{name}: " if name else " "


def _format_heading(heading: re.Match[str]) -> str:
    return f"{heading[1].capitalize()}: "
