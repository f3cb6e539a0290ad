"""The categories of arXiv (https://arxiv.org/category_taxonomy) and its archives."""

import re
from difflib import get_close_matches

_PARTS = {
    "astro-ph": "CO EP GA HE IM SR",
    "cond-mat": "dis-nn mes-hall mtrl-sci other quant-gas soft stat-mech str-el supr-con",
    "cs": "AI AR CC CE CG CL CR CV CY DB DC DL DM DS ET FL GL GR GT HC IR IT LG LO MA MM MS NA NE NI OH OS "
    "PF PL RO SC SD SE SI SY",
    "econ": "EM GN TH",
    "eess": "AS IV SP SY",
    "gr-qc": "",
    "hep-ex": "",
    "hep-lat": "",
    "hep-ph": "",
    "hep-th": "",
    "math": "AC AG AP AT CA CO CT CV DG DS FA GM GN GR GT HO IT KT LO MG MP NA NT OA OC PR QA RA RT SG SP ST",
    "math-ph": "",
    "nlin": "AO CD CG PS SI",
    "nucl-ex": "",
    "nucl-th": "",
    "physics": "acc-ph ao-ph app-ph atm-clus atom-ph bio-ph chem-ph class-ph comp-ph data-an ed-ph flu-dyn "
    "gen-ph geo-ph hist-ph ins-det med-ph optics plasm-ph pop-ph soc-ph space-ph",
    "q-bio": "BM CB GN MN NC OT PE QM SC TO",
    "q-fin": "CP EC GN MF PM PR RM ST TR",
    "quant-ph": "",
    "stat": "AP CO ME ML OT TH",
}
ARXIV_CATEGORIES = frozenset(_PARTS) | {
    f"{archive}.{part}" for archive, parts in _PARTS.items() for part in parts.split()
}
_BY_LOWER = {name.lower(): name for name in ARXIV_CATEGORIES}
_LETTERS = {re.sub(r"\W", "", name) for name in _BY_LOWER}


def normalize_category(name: str) -> str:
    """Return an arXiv category in its own spelling (cs.CL for CS.cl), and any other name as it is."""
    return _BY_LOWER.get(name.lower(), name)


def is_wrong_category(name: str) -> bool:
    """Return True for a name that is meant as a category of arXiv's but is none, like cs.XX or cs-CL."""
    lower = name.lower()
    is_like_one = lower.partition(".")[0] in _PARTS or re.sub(r"\W", "", lower) in _LETTERS
    return is_like_one and lower not in _BY_LOWER


def suggest_category(name: str) -> str:
    """Return ` (did you mean cs.CL?)` if a category is near to this name, else an empty text."""
    near = get_close_matches(name.lower(), _BY_LOWER, n=1, cutoff=0.6)
    return f" (did you mean {_BY_LOWER[near[0]]}?)" if near else ""
