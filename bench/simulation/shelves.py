"""On which arXiv shelf does a paper stand? The recording does not say, so its words must."""

import re
from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "cs.RO": r"robot\w*|manipulation|grasp\w*|locomotion|embodied|vision-language-action|navigation",
    "cs.CV": r"image\w*|video\w*|visual\w*|3d|segmentation|pixel\w*|camera|diffusion|rendering",
    "cs.CL": r"language|llms?|text\w*|translation|dialogue|question|token\w*|linguistic|retrieval",
    "cs.AI": r"agents?|agentic|planning|reasoning|tool\w*|knowledge|memory",
    "cs.LG": r"learning|training|optimi[sz]ation|gradient\w*|neural|policy|reward\w*|generali[sz]ation",
    "stat.ML": r"bayesian|statistical|estimator\w*|regression|convergence|sampling|causal",
}
_FOUND = {shelf: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for shelf, words in WORDS.items()}
MOST = 3


def shelves_of(text: str) -> tuple[str, ...]:
    """The categories its words speak for, the loudest first; machine learning where none does."""
    loud = {shelf: len(found.findall(text)) for shelf, found in _FOUND.items()}
    told = [shelf for shelf in sorted(loud, key=lambda each: -loud[each]) if loud[shelf] >= 2]
    return tuple(told[:MOST]) or ("cs.LG",)
