"""Canonical paper ids, and the keys under which two announcements are recognised as one paper.

The id is `arxiv:<id>`, else `doi:<doi>`, `pmid:<number>`, `openreview:<forum>`, else
`title:<letters>|<surname>|<year>`. Two arXiv ids are never one work, and an equal title counts only where the
ids of the two sides are of different kinds: callers that merge papers must check that.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from urllib.parse import unquote

from digest.models import Paper
from digest.models.errors import InvalidChange
from digest.models.text import remove_unseen

MAX_ID_CHARS = 2_000  # no id or link to a paper is longer, and matching a longer text might take long
MIN_TITLE_LETTERS = 20  # letters and digits; a shorter title does not identify a paper
IDENTIFIERS = ("arxiv:", "doi:", "pmid:", "openreview:")  # of keys that registries gave, not titles
_KIND_ORDER = {prefix.removesuffix(":"): order for order, prefix in enumerate(IDENTIFIERS)}
# Registrants of preprint servers, whose DOIs name a paper that a journal may publish under its own.
_PREPRINT_DOI = re.compile(
    r"doi:10\.(?:1101/(?:\d{4}\.\d\d\.\d\d\.)?\d{5,8}$|64898|21203/rs|26434/chemrxiv|2139/ssrn|20944/preprints|312\d\d/osf|35542/osf"
    r"|22541/|36227/techrxiv|31124/advance|48550/|7287/peerj\.preprints|2196/preprints|1002/essoar|32388/"
    r"|33774/|5281/zenodo|6084/m9\.figshare|3762/bxiv|31730/osf|17605/osf)"
)
_DATED_TITLE = re.compile(r"title:[^|]+\|[^|]+\|\d{4}-\d{4}")
_NUMBER = r"\d{4}\.\d{4,5}"
# Year and month since April 2007; five digits follow since 2015. 2024.1234 is a date, or a number of pages.
_DATED_NUMBER = r"(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}|(?:1[5-9]|[2-9]\d)(?:0[1-9]|1[0-2])\.\d{5}"
_ARCHIVES = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs"
    "|dg-ga|econ|eess|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th"
    "|patt-sol|physics|plasm-ph|q-alg|q-bio|q-fin|quant-ph|solv-int|stat|supr-con"
)
_ARXIV_ID = (
    rf"(?:arxiv[:.]\s*)*(?:(?P<number>{_NUMBER})"
    rf"|(?P<archive>{_ARCHIVES})(?:\.[a-z]{{2,}}(?:-[a-z]+)?)?/(?P<serial>\d{{7}}))"
    r"(?:v(?P<version>\d{1,4}))?(?!\d)(?:\.pdf|\.html?|\.ps|\.gz)*"
)
_ARXIV_LINK = re.compile(
    r"""^https?://(?:
        (?:[\w-]+\.)*(?:arxiv|ar5iv)\.org(?::\d+)?/+(?:[\w-]+/+)?
      | (?:[\w-]+\.)*alphaxiv\.org/+(?:[\w-]+/+){0,2}
      | xxx\.[a-z.]{2,20}/+(?:abs|pdf|ps)/+
      | (?:www\.)?(?:huggingface\.co|hf\.co|arxiv-vanity\.com)/+papers/+
      | (?:www\.)?scirate\.com/+arxiv/+
      | (?:www|api)\.semanticscholar\.org/+(?=arxiv[:/])(?:arxiv/+)?
      | (?:dx\.|www\.)?doi\.org/+(?:doi:\s*)?10\.48550/
    )"""
    + _ARXIV_ID
    + r"(?:[/?&\#].*|\s+\[.*)?$",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ARXIV_NAME = re.compile(
    r"^(?:oai:arxiv\.org:|abs/|(?:doi:\s*)*10\.48550/)?" + _ARXIV_ID + r"/?(?:[?#].*|\s+\[.*)?$",
    re.IGNORECASE | re.DOTALL,
)
_PLAIN_ID = re.compile(rf"(?:oai:arXiv\.org:|arxiv:)?({_DATED_NUMBER})(?:v(\d{{1,4}}))?")  # usual forms
_ARXIV_FTP = re.compile(r"(?<=arxiv\.org)/+ftp/(?:arxiv|([a-z-]+))/papers/\d{4}/", re.IGNORECASE)
_SCHEMELESS = re.compile(r"^(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?/", re.IGNORECASE)
# Pages that show another page, whose link follows.
_WRAPPER = re.compile(
    r"^https?://(?:web\.archive\.org/web/[^/]+/|r\.jina\.ai/|www\.google\.[a-z.]+/url\?(?:[^#]*&)?(?:q|url)=)"
    r"(?=https?:|[\w-]+\.)",
    re.IGNORECASE,
)
_ENCODED_TWICE = re.compile(r"%(?:25)+(?=[\da-fA-F]{2})")
_OPENERS = "<([{'\"`*“‘«（【「『"
_CLOSERS = ".,;:!?'\"`*>”’»。，、；：！？）】」』…"
_OPENING = {")": "(", "]": "[", "}": "{"}

_PMID = re.compile(
    r"^(?:https?://(?:www\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov/(?:\?term=)?|ncbi\.nlm\.nih\.gov/(?:m/)?pubmed/(?:\?term=)?"
    r"|europepmc\.org/(?:article|abstract)/med/)|(?:info:|urn:)?(?:pmid|pubmed)(?:\s*:\s*|/|\s+))"
    r"0*([1-9]\d{0,8})(?:/?(?:[?#]\S*)?)$",
    re.IGNORECASE | re.ASCII,
)
_OPENREVIEW = re.compile(
    r"^(?:https?://(?:[\w-]+\.)*openreview\.net/(?:forum|pdf|attachment)\?(?:[^#\s]*&)?(?:id|noteId)="
    r"|openreview:)([\w-]{6,30})(?:[&#?]\S*)?$",
    re.IGNORECASE | re.ASCII,
)
_DOI = re.compile(r"^10\.\d{4,9}/\S+$")
_DOI_START = re.compile(r"(?<![\d.])10\.\d{4,9}/")
_DOI_PREFIX = re.compile(r"^(?:(?:info:|urn:)?doi[:/=\s]\s*)+", re.IGNORECASE)
_FRAGMENT = re.compile(r"(?<!;2-)#.*", re.DOTALL)  # a SICI, the end of many old DOIs, may end in `;2-#`
_QUERY = re.compile(r"\?(?:[\w.~-]+=.*)?$|&utm_.*|;jsessionid=.*", re.IGNORECASE | re.DOTALL)
# What publishers put behind a DOI in the address of one form of the paper; no DOI is known to end so.
_DOI_PAGE = re.compile(
    r"(?:[./](?:e?pdf|pdfdirect|pdfft|pdf\+html|full|full-?text|full-?html|abs|abstract|meta|html?|xml|epub|long"
    r"|summary|references|citations?|metrics|suppl|supplementary|supplementary-materials?|article-info|reader"
    r"|download|figures(?:/\d+)?))+$"
)
_OXFORD_PAGE = re.compile(r"^(10\.1093/[^/]+/[^/]+)/\d+$")
# A version behind the DOI of a work, with the separators that each registrant uses.
_DOI_VERSION = re.compile(
    r"""^(?:
        (10\.(?:1101|64898)/[\d.]*\d)v\d+(?:[./-].*)?             # bioRxiv, medRxiv
      | (10\.7287/peerj\.preprints\.\d+)v\d+
      | (10\.\d{4,9}/osf\.io/[a-z\d]+)_v\d+                       # OSF and the services it hosts
      | (10\.(?:
              21203/rs\.                                          # Research Square
            | 26434/chemrxiv | 33774/ | 2139/ssrn | 20944/preprints
            | 22541/ | 36227/techrxiv | 31124/advance             # Authorea, TechRxiv, Advance
            | 3762/bxiv | 6084/m9\.figshare | 1099/acmi           # Beilstein, figshare, Access Microbiology
        )\S*?\w)[./_-]v\d{1,3}
      | (10\.(?:12688|7490|35241)/[a-z]\w*\.\d[\d-]*)\.v?\d{1,2}  # F1000 and its sister platforms
      | (10\.7554/elife\.\d{5,6})\.\d                             # reviewed preprints
      | (10\.1002/essoar\.\d+)\.\d{1,2}
      | (10\.32388/[a-z\d]{6})\.\d{1,2}                           # Qeios
    )$""",
    re.VERBOSE,
)
# Pages whose address has the number in the DOI, but not the DOI.
_NUMBERED_PAGES = tuple(
    (re.compile(rf"^https?://(?:[\w-]+\.)*{page}", re.IGNORECASE), registrant)
    for page, registrant in (
        (r"researchsquare\.com/article/(rs-\d+)\b", "10.21203/rs.3."),
        (r"ssrn\.com/.*?\babstract(?:_?id)?=(\d+)", "10.2139/ssrn."),
        (r"nature\.com/articles/([a-z]*\d{3,}[\w-]*)", "10.1038/"),
        (r"elifesciences\.org/(?:articles|reviewed-preprints)/(\d{5,6})(?!\d)", "10.7554/elife."),
        (r"zenodo\.org/records?/(\d+)\b", "10.5281/zenodo."),
        (r"nber\.org/(?:system/files/working_)?papers/(w\d+)\b", "10.3386/"),
        (r"preprints\.org/manuscript/(\d{6}\.\d{4})\b", "10.20944/preprints"),
    )
)
_MAY_BE_ID = re.compile(
    r"\d{4}\.\d|/\d{7}|10\.\d{4}|rs-\d|id=\d|abstract=\d|%|(?:pmid|pubmed\S*|med)[:/=]\d|openreview(?::|\.net/)"
    r"|(?:articles|reviewed-preprints|records?|papers)/\w*\d",
    re.IGNORECASE,
)
# Between the words of a text with ids. A DOI may hold commas and semicolons, unless another id follows.
_WORD_BREAK = re.compile(
    r"\s+|(?<![,;|])[,;|]++(?=$|\s|https?:|doi:|arxiv:|10\.\d{4}|\d{4}\.\d{4})|\]\(|(?<=\d)\|", re.IGNORECASE
)
_PMID_LABEL = re.compile(r"\b(?:pmid|pubmed id)[:\s]\s*(?=\d)", re.IGNORECASE)
_GLUE = re.compile(r"[,;|<>()\[\]{}\"'，。、；：（）]|(?=https?://)|(?=arxiv:)|(?<=doi:)", re.IGNORECASE)

# Chinese, Japanese and Korean characters: each says as much as two letters.
_CJK = re.compile("[\u3040-\u9fff\uac00-\ud7af]")
_NO_LETTERS = re.compile(r"[\W_]+")
_TEX = re.compile(r"\\[a-zA-Z]+\*?|[\\${}]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_BASE_LETTERS = str.maketrans("łøđðħıȷæœþ", "lodðhijæœþ") | str.maketrans(
    {"ð": "d", "æ": "ae", "œ": "oe", "þ": "th"}
)
_UMLAUT = re.compile(r"(?<![qg]u)(?<=[aou])e(?=[^\Waeiou])")  # Müller is also written Mueller
NAME_SUFFIXES = frozenset("jr sr junior senior ii iii iv 2nd 3rd 4th phd md esq et al".split())  # noqa: SIM905
_NAME_BREAK = re.compile(r"[\s\-\u2010-\u2015]+")
_INITIALS = re.compile(r"[^\W\d_]\.?|(?:[^\W\d_]\.)+")


def canonicalize(text: str) -> str:
    """Return the canonical id for any form of arXiv id, DOI, PubMed or OpenReview id. Idempotent.

    Title ids are returned unchanged.

    Raises:
        ValueError: *text* is none of these.
    """
    if arxiv_id := parse_arxiv_id(text):
        return f"arxiv:{arxiv_id}"
    if doi := _parse_doi(text):
        return f"doi:{doi}"
    if other := _parse_other_id(text):
        return other
    if text.startswith("title:") and text.isprintable():
        return text
    raise ValueError(f"{text[:MAX_ID_CHARS]!r} is neither an arXiv id nor a DOI.")


def parse_paper_id(text: str) -> str:
    """Return what `canonicalize` does for what a person wrote. Raises InvalidChange if it is no id."""
    try:
        return canonicalize(text)
    except ValueError as error:
        problem = f"{text[:MAX_ID_CHARS]!r} is not a paper id; write one like 2611.01234 or a link to it."
        raise InvalidChange(problem) from error


def find_ids(text: str) -> Iterator[str]:
    """Yield the canonical ids in a text as people paste it: prose, lists, Markdown, HTML; in its order."""
    text = _PMID_LABEL.sub("pmid:", text)  # written with a blank, it would be two words
    for word in filter(_MAY_BE_ID.search, _WORD_BREAK.split(text)):
        for piece in (word, *filter(_MAY_BE_ID.search, _GLUE.split(word))):
            with suppress(ValueError):
                yield canonicalize(piece)
                if piece is word:
                    break


def parse_arxiv_id(text: str) -> str | None:
    """Return the arXiv id in a link, DOI, tag or id: in lower case, without version or subject class."""
    if plain := _PLAIN_ID.fullmatch(text):
        return plain[1]
    match = _match_arxiv(text)
    if match is None:
        return None
    return match["number"] or f"{match['archive'].lower()}/{match['serial']}"


def parse_arxiv_version(text: str) -> int | None:
    """Return the version in an id or link, None if it has none and so means the latest."""
    if plain := _PLAIN_ID.fullmatch(text):
        return int(plain[2]) if plain[2] else None
    match = _match_arxiv(text)
    return int(match["version"]) if match and match["version"] else None


def build_keys(paper: Paper) -> tuple[str, ...]:
    """Return all keys this paper may be stored under, ids first, title keys last."""
    names = sort_names(paper.id, *paper.aliases)
    year = paper.published.year if paper.published else None
    return tuple(dict.fromkeys((*names, *build_title_keys(paper.title, paper.authors, year))))


def build_title_key(title: str, authors: Iterable[str], year: int | None) -> str | None:
    """Return the id of a paper without arXiv id or DOI, None if the title is too short to identify it."""
    letters = normalize_letters(title)
    if len(letters) + len(_CJK.findall(letters)) < MIN_TITLE_LETTERS:
        return None
    return f"title:{letters}|{_get_surname(authors)}|{year or ''}"


def build_title_keys(title: str, authors: Iterable[str], year: int | None) -> tuple[str, ...]:
    """Return two keys: works of one year share both, of neighbouring years one, of other years none."""
    key = build_title_key(title, authors, None)
    if key is None or year is None:
        return () if key is None else (key,)
    return tuple(f"{key}{first}-{first + 1}" for first in (year - 1, year))


def sort_names(*names: str) -> tuple[str, ...]:
    """Return ids and aliases in canonical form, without duplicates, ordered by `name_sort_key`."""
    return tuple(sorted({canonicalize_or_keep(name) for name in names if name}, key=name_sort_key))


def name_sort_key(name: str) -> tuple[int, str]:
    """Sort key: arXiv ids, then DOIs, then the rest."""
    kind = name.partition(":")[0]
    return (_KIND_ORDER.get(kind, len(_KIND_ORDER)), name)


def is_publication(name: str) -> bool:
    """Return whether a canonical id is a DOI of a journal or proceedings, not of a preprint or data set."""
    return name.startswith("doi:") and not _PREPRINT_DOI.match(name)


def has_identifier(keys: Iterable[str]) -> bool:
    """Return whether any of these keys is an id that a registry gave, not a title."""
    return any(key.startswith(IDENTIFIERS) for key in keys)


def is_contradicted(ours: Iterable[str], theirs: Iterable[str]) -> bool:
    """Return whether the ids of two papers say that they are two works.

    They do if both sides have an id of one kind and share none of it. A preprint's DOI is another kind than
    the DOI of its journal version.
    """
    one, other = _group_by_kind(ours), _group_by_kind(theirs)
    return any(one[kind].isdisjoint(other[kind]) for kind in one.keys() & other.keys())


def share_dated_title(ours: set[str], theirs: set[str]) -> bool:
    """Return whether title, first author's surname and year (or the next) are those of both papers."""
    return any(_DATED_TITLE.fullmatch(key) for key in ours & theirs)


def _group_by_kind(keys: Iterable[str]) -> dict[str, set[str]]:
    kinds: dict[str, set[str]] = {}
    for key in keys:
        if key.startswith(IDENTIFIERS):
            kind = "preprint" if _PREPRINT_DOI.match(key) else key.partition(":")[0]
            kinds.setdefault(kind, set()).add(key)
    return kinds


def _parse_other_id(text: str) -> str | None:
    """Return the canonical PubMed or OpenReview id; OpenReview's is the one kind whose case counts."""
    if len(text) > MAX_ID_CHARS:
        return None
    text = _decode(remove_unseen(text)).strip().lstrip(_OPENERS).rstrip(_CLOSERS + ")]}").strip()
    text = _add_scheme(text)
    if pmid := _PMID.match(text):
        return f"pmid:{pmid[1]}"
    forum = _OPENREVIEW.match(text)
    return f"openreview:{forum[1]}" if forum else None


def _match_arxiv(text: str) -> re.Match[str] | None:
    if len(text) > MAX_ID_CHARS:
        return None
    text = _decode(remove_unseen(text)).strip().lstrip(_OPENERS).rstrip(_CLOSERS + ")]}").strip()
    if name := _ARXIV_NAME.match(text):
        is_labelled = name["number"] is None or "arxiv" in text.lower()
        return name if is_labelled or re.fullmatch(_DATED_NUMBER, name["number"]) else None
    link = _WRAPPER.sub("", _add_scheme(text))
    link = _ARXIV_FTP.sub(lambda path: f"/pdf/{path[1]}/" if path[1] else "/pdf/", _add_scheme(link))
    return _ARXIV_LINK.match(link)


def _decode(text: str) -> str:
    """Return *text* without percent-encoding, of which copied links may have several layers."""
    if "%" in text:
        text = _ENCODED_TWICE.sub("%", text)
        while (decoded := unquote(text)) != text:
            text = decoded
        text = remove_unseen(text)
    return text


def _add_scheme(text: str) -> str:
    return f"https://{text.lstrip('/')}" if text.startswith("//") or _SCHEMELESS.match(text) else text


def _parse_doi(text: str) -> str | None:
    """Decode and strip a DOI until nothing changes, so that the result is idempotent."""
    if len(text) > MAX_ID_CHARS:
        return None
    text = remove_unseen(text).strip().lstrip(_OPENERS)
    while (plain := _strip_doi(text)) != text:
        text = plain
    return text if _DOI.match(text) else None


def _strip_doi(text: str) -> str:
    text = _add_scheme(text)
    text = _find_doi(text) if text.startswith(("http://", "https://")) else _decode(_DOI_PREFIX.sub("", text))
    text = _QUERY.sub("", text.strip().lower()).rstrip(_CLOSERS + "/")
    while text.endswith((")", "]", "}")) and text.count(text[-1]) > text.count(_OPENING[text[-1]]):
        text = text[:-1]
    registrant, _, suffix = text.partition("/")
    text = f"{registrant}/{_DOI_PAGE.sub('', suffix)}" if suffix else text
    text = _OXFORD_PAGE.sub(r"\1", text)
    version = _DOI_VERSION.match(text)
    return next(filter(None, version.groups())) if version else text


def _find_doi(link: str) -> str:
    """Return the DOI in the path of a link, else in its query; without one, the link as it is."""
    for page, registrant in _NUMBERED_PAGES:
        if number := page.match(link):
            return registrant + number[1]
    path, _, query = _FRAGMENT.sub("", link).partition("?")
    for part in map(_decode, (path, *query.split("&"))):
        if found := _DOI_START.search(part):
            return part[found.start() :]
    return link


@lru_cache(maxsize=65536)
def canonicalize_or_keep(name: str) -> str:
    """Return the canonical form of an id or link; any other text as it is."""
    try:
        return canonicalize(name)
    except ValueError:
        return name


def normalize_letters(text: str) -> str:
    """Return the letters and digits, in lower case, without accents and TeX; `&` reads `and`."""
    plain = _TEX.sub("", text).replace("&", " and ").casefold()
    if not plain.isascii():
        # Only the accents of alphabets: the marks of other scripts tell words apart.
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", plain).casefold())
        plain = unicodedata.normalize("NFKC", plain.translate(_BASE_LETTERS))
    return _NO_LETTERS.sub("", plain)


def _get_surname(authors: Iterable[str]) -> str:
    """Return the last word of the first author's family name: the one part that all spellings agree on.

    Particles (van der), suffixes (Jr., III), and the first of two family names come and go.
    """
    family, _, given = next(iter(authors), "").partition(",")
    words = _split_name(family)
    if not _split_name(given):  # Ada Loveless, or Loveless A. B.
        while len(words) > 1 and _INITIALS.fullmatch(words[-1]):
            words.pop()
    return _UMLAUT.sub("", normalize_letters(words[-1])) if words else ""


def _split_name(name: str) -> list[str]:
    """Return the words of a name without suffixes at its end."""
    words = [*filter(None, _NAME_BREAK.split(name))]
    while words and normalize_letters(words[-1]) in NAME_SUFFIXES:
        words.pop()
    return words
