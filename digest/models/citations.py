"""Papers as BibTeX, RIS, CSL-JSON and Markdown: pure text, for reference managers and notes.

The key of a paper depends on its id alone, so an export of tomorrow has the keys of today's.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlsplit

from digest.models.author_names import AuthorName, split_author_name
from digest.models.journals import JOURNALS
from digest.models.paper_ids import is_publication, parse_arxiv_id
from digest.models.papers import Paper
from digest.models.tex import escape_tex
from digest.models.text import clean

MAX_AUTHORS = 1_000  # of one paper; reference managers take no more
_PLAIN_KEY = re.compile(r"[a-z0-9]+(?:[:./+_-][a-z0-9]+)*", re.ASCII)  # safe in BibTeX, LaTeX and pandoc
_NOT_IN_KEY = re.compile(r"[^a-z0-9]+", re.ASCII)
_MAX_KEY_CHARS = 60
_URL_SAFE = "!#$%&'()*+,/:;=?@[]~"  # all that a URL may hold: only what it may not is quoted
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_MARKDOWN_START = re.compile(r"^([-+]|\d+(?=[.)]))")


class CitationFormat(StrEnum):
    """A format in which papers are exported."""

    BIBTEX = "bibtex"
    RIS = "ris"
    CSL_JSON = "csl-json"
    MARKDOWN = "markdown"

    @property
    def media_type(self) -> str:
        """The media type of a document of this format."""
        return _FORMATS[self][2]

    @property
    def extension(self) -> str:
        """The ending of a file name, with its dot."""
        return _FORMATS[self][1]

    @property
    def label(self) -> str:
        """The name that people know."""
        return _FORMATS[self][0]


_FORMATS = {  # the name that people know, the ending of a file name, and the media type
    CitationFormat.BIBTEX: ("BibTeX", ".bib", "application/x-bibtex"),
    CitationFormat.RIS: ("RIS", ".ris", "application/x-research-info-systems"),
    CitationFormat.CSL_JSON: ("CSL-JSON", ".json", "application/vnd.citationstyles.csl+json"),
    CitationFormat.MARKDOWN: ("Markdown", ".md", "text/markdown"),
}


@dataclass(frozen=True, slots=True)
class Citation:
    """A paper to export, with what its reader wrote about it."""

    paper: Paper
    note: str = ""
    tags: tuple[str, ...] = ()


def format_citations(citations: Iterable[Citation], form: CitationFormat) -> str:
    """Return a document with these papers in their order; without papers an empty one."""
    return _WRITERS[form](tuple(citations))


def build_citation_key(paper: Paper) -> str:
    """Return the key of a paper: its id, `arxiv:2607.28628`, or the plain letters and a hash of the id."""
    if len(paper.id) <= _MAX_KEY_CHARS and _PLAIN_KEY.fullmatch(paper.id):
        return paper.id
    plain = unicodedata.normalize("NFKD", paper.id).lower()
    letters = _NOT_IN_KEY.sub("-", plain)[: _MAX_KEY_CHARS - 9].strip("-")
    return f"{letters}-{blake2b(paper.id.encode(errors='replace'), digest_size=4).hexdigest()}"


def find_doi(paper: Paper) -> str:
    """Return the DOI of the published paper, else of the preprint; every arXiv paper has one."""
    dois = [name.removeprefix("doi:") for name in (paper.id, *paper.aliases) if name.startswith("doi:")]
    arxiv_id = find_arxiv_id(paper)
    arxiv_doi = f"10.48550/arXiv.{arxiv_id}" if arxiv_id else ""
    return find_publication(paper) or next(iter(dois), arxiv_doi)


def find_arxiv_id(paper: Paper) -> str:
    """Return the arXiv id of a paper, empty if it has none."""
    names = (name for name in (paper.id, *paper.aliases) if name.startswith("arxiv:"))
    return next(filter(None, map(parse_arxiv_id, names)), "")


def find_publication(paper: Paper) -> str:
    """Return the DOI under which a paper was published in a journal; empty for a preprint."""
    published = filter(is_publication, (paper.id, *paper.aliases))
    return next(published, "").removeprefix("doi:")


def find_journal(paper: Paper) -> str:
    """Return the journal of a published paper, which its source names among the categories; else empty."""
    named = (category for category in paper.categories if category in JOURNALS)
    return next(named, "") if find_publication(paper) else ""


# ---- BibTeX ----------------------------------------------------------------------------------------


def _format_bibtex_entry(citation: Citation) -> str:
    paper, arxiv_id = citation.paper, find_arxiv_id(citation.paper)
    fields = {
        "title": _protect_capitals(clean(paper.title)),
        "author": " and ".join(map(_format_bibtex_author, _split_authors(paper))),
        "year": str(paper.published.year) if paper.published else "",
        "month": f"{paper.published:%b}".lower() if paper.published else "",
        "journal": escape_tex(find_journal(paper)),
        "eprint": arxiv_id,
        "archiveprefix": "arXiv" if arxiv_id else "",
        "primaryclass": clean(paper.category).translate(_VERBATIM) if arxiv_id else "",
        "doi": find_doi(paper).translate(_VERBATIM),
        "url": quote_url(paper.url),
        "abstract": escape_tex(clean(paper.abstract)),
        "keywords": escape_tex(", ".join(_list_keywords(citation))),
        "note": "Withdrawn" if paper.withdrawn else "",
        "annote": escape_tex(clean(citation.note)),
    }
    lines = [
        f"  {name} = {value}" if name == "month" else f"  {name} = {{{value}}}"
        for name, value in fields.items()
        if value
    ]
    kind = "article" if fields["journal"] else "misc"
    return f"@{kind}{{{build_citation_key(paper)},\n" + ",\n".join(lines) + "\n}\n"


def _format_bibtex_author(name: AuthorName) -> str:
    if name.is_whole:
        return f"{{{escape_tex(name.family)}}}"
    parts = (name.family, name.suffix, name.given)
    return ", ".join(_protect_and(escape_tex(part)) for part in parts if part)


def _protect_and(text: str) -> str:
    """Put a part with the word `and` into braces: outside them it would begin another author."""
    return f"{{{text}}}" if re.search(r"\band\b", text, re.IGNORECASE) else text


def _protect_capitals(title: str) -> str:
    """Escape a title, with braces around words whose capitals a style must not change: `{BERT}`, `{mRNA}`."""
    return re.sub(r"\S+", lambda word: _protect_word(word[0]), title)


def _protect_word(word: str) -> str:
    escaped = escape_tex(word)
    if not ("\\mathbb" in escaped or any(char.isupper() for char in word.lstrip("\"'“‘([{-")[1:])):
        return escaped
    # `{\` would begin what BibTeX calls a special character, whose letters a style changes after all.
    return f"{{{{{escaped}}}}}" if escaped.startswith("\\") else f"{{{escaped}}}"


# Fields that no TeX reads, such as `doi` and `url`: only what would end the value is encoded.
_VERBATIM = str.maketrans({"{": "%7B", "}": "%7D", "\\": "%5C"})


# ---- RIS -------------------------------------------------------------------------------------------


def _format_ris_entry(citation: Citation) -> str:
    paper, published = citation.paper, citation.paper.published
    arxiv_id = find_arxiv_id(paper)
    lines = [("TY", "JOUR" if find_publication(paper) else "UNPB"), ("ID", build_citation_key(paper))]
    authors = ((name.family, name.given, name.suffix) for name in _split_authors(paper))
    lines += [("AU", ", ".join(filter(None, parts))) for parts in authors]
    lines += [("TI", paper.title), ("JO", find_journal(paper)), ("AB", paper.abstract)]
    if published:
        lines += [("PY", str(published.year)), ("DA", f"{published:%Y/%m/%d}")]
    lines += [("DO", find_doi(paper)), ("UR", quote_url(paper.url)), ("L1", quote_url(paper.pdf_url))]
    lines += [("M1", f"arXiv:{arxiv_id}" if arxiv_id else "")]
    lines += [("KW", word) for word in _list_keywords(citation)]
    lines += [("N1", "Withdrawn" if paper.withdrawn else ""), ("N1", citation.note)]
    values = [(tag, clean(value)) for tag, value in lines]
    return "".join(f"{tag}  - {value}\r\n" for tag, value in values if value) + "ER  - \r\n"


# ---- CSL-JSON --------------------------------------------------------------------------------------


def _format_csl_json(citations: Sequence[Citation]) -> str:
    return json.dumps([to_csl_item(citation) for citation in citations], ensure_ascii=False, indent=2) + "\n"


def to_csl_item(citation: Citation) -> dict[str, Any]:
    """Return a paper as a CSL-JSON item; what is unknown is left out."""
    paper, published, arxiv_id = citation.paper, citation.paper.published, find_arxiv_id(citation.paper)
    date_parts = [published.year, published.month, published.day] if published else []
    item = {
        "id": build_citation_key(paper),
        "type": "article-journal" if find_publication(paper) else "article",
        "title": clean(paper.title),
        "author": [_to_csl_name(name) for name in _split_authors(paper)],
        "container-title": find_journal(paper),
        "issued": {"date-parts": [date_parts]} if date_parts else None,
        "abstract": clean(paper.abstract),
        "DOI": find_doi(paper),
        "URL": quote_url(paper.url),
        "number": f"arXiv:{arxiv_id}" if arxiv_id else "",
        "publisher": "arXiv" if arxiv_id and not find_publication(paper) else "",
        "status": "Withdrawn" if paper.withdrawn else "",
        "keyword": ", ".join(_list_keywords(citation)),
        "note": clean(citation.note),
    }
    return {name: value for name, value in item.items() if value}


def _to_csl_name(name: AuthorName) -> dict[str, str]:
    parts = {"family": name.family, "given": name.given, "suffix": name.suffix}
    return {"literal": name.family} if name.is_whole else {part: text for part, text in parts.items() if text}


# ---- Markdown --------------------------------------------------------------------------------------


def _format_markdown_entry(citation: Citation) -> str:
    paper, url = citation.paper, _quote_markdown_url(citation.paper.url)
    title = escape_markdown(clean(paper.title) or "(untitled)")
    authors = ", ".join(clean(author) for author in paper.authors[:MAX_AUTHORS])
    doi = find_doi(paper)
    links = {"PDF": paper.pdf_url, "Code": paper.code_url, "DOI": f"https://doi.org/{doi}" if doi else ""}
    quoted = {label: _quote_markdown_url(link) for label, link in links.items()}
    meta = (
        escape_markdown(authors),
        f"{paper.published:%Y-%m-%d}" if paper.published else "",
        escape_markdown(find_journal(paper) or clean(paper.category)),
        "withdrawn" if paper.withdrawn else "",
    )
    blocks = (
        f"## [{title}]({url})" if url else f"## {title}",
        " · ".join(filter(None, meta)),
        escape_markdown(clean(paper.abstract)),
        f"Note: {escape_markdown(clean(citation.note))}" if clean(citation.note) else "",
        f"Tags: {escape_markdown(', '.join(citation.tags))}" if citation.tags else "",
        " · ".join(f"[{label}]({link})" for label, link in quoted.items() if link),
    )
    return "\n\n".join(filter(None, blocks)) + "\n"


def _quote_markdown_url(url: str) -> str:
    return quote_url(url).replace("(", "%28").replace(")", "%29")


def escape_markdown(text: str) -> str:
    """Return one line of text that Markdown shows as it is."""
    return _MARKDOWN_START.sub(r"\\\1", _MARKDOWN.sub(r"\\\1", text))


# ---- what the formats share ------------------------------------------------------------------------


def quote_url(url: str) -> str:
    """Return a web address in plain ASCII, without characters that end a value; empty for any other text."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a broken IPv6 address
        return ""
    return quote(url, safe=_URL_SAFE) if parts.scheme in ("http", "https") and parts.netloc else ""


def _split_authors(paper: Paper) -> Iterator[AuthorName]:
    names = (split_author_name(author) for author in paper.authors[:MAX_AUTHORS])
    return (name for name in names if name.family)


def _list_keywords(citation: Citation) -> list[str]:
    words = (clean(word).replace(",", " ") for word in (*citation.paper.categories, *citation.tags))
    return [*dict.fromkeys(filter(None, words))]


_WRITERS: dict[CitationFormat, Callable[[Sequence[Citation]], str]] = {
    CitationFormat.BIBTEX: lambda citations: "\n".join(map(_format_bibtex_entry, citations)),
    CitationFormat.RIS: lambda citations: "\r\n".join(map(_format_ris_entry, citations)),
    CitationFormat.CSL_JSON: _format_csl_json,
    CitationFormat.MARKDOWN: lambda citations: "\n".join(map(_format_markdown_entry, citations)),
}
