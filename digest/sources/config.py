"""The configuration of all sources: their names, settings and URLs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.metadata import EntryPoint, entry_points

from digest.models.journals import find_issns

ENTRY_POINT_GROUP = "digest.sources"
_TITLES = {  # of the sources of this package
    "arxiv": "arXiv",
    "huggingface": "Hugging Face",
    "huggingface-repos": "Hugging Face repositories",
    "biorxiv": "bioRxiv",
    "medrxiv": "medRxiv",
    "feeds": "RSS / Atom",
    "semanticscholar": "Semantic Scholar",
    "hackernews": "Hacker News",
    "pubmed": "PubMed",
    "crossref": "Crossref",
    "openalex": "OpenAlex",
    "openreview": "OpenReview",
}
SOURCE_NAMES = tuple(_TITLES)
# Settings of which a source needs at least one.
_NEEDS: Mapping[str, Sequence[str]] = {
    "pubmed": ("pubmed_query",),
    "crossref": ("journals", "crossref_query"),
    "openalex": ("journals", "openalex_query", "openalex_authors", "openalex_institutions"),
    "openreview": ("openreview_venues",),
    "semanticscholar": ("semanticscholar_key",),
    "feeds": ("feeds",),
}
_URL_FIELDS: Mapping[str, Sequence[str]] = {  # the URLs that each source requests
    "arxiv": ("arxiv_rss_url", "arxiv_oai_url", "arxiv_listing_url"),
    "huggingface": ("huggingface_url", "arxiv_api_url"),
    "huggingface-repos": ("huggingface_url",),
    "biorxiv": ("biorxiv_url",),
    "medrxiv": ("biorxiv_url",),
    "semanticscholar": ("semanticscholar_url",),
    "hackernews": ("hackernews_url", "arxiv_api_url"),
    "pubmed": ("pubmed_url",),
    "crossref": ("crossref_url",),
    "openalex": ("openalex_url",),
    "openreview": ("openreview_url",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """Which sources to fetch and their URLs: the settings of the same names, as plain values."""

    sources: tuple[str, ...] = ("arxiv", "huggingface", "hackernews", "huggingface-repos")
    arxiv_categories: tuple[str, ...] = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO", "stat.ML")
    arxiv_rss_url: str = "https://rss.arxiv.org"
    arxiv_oai_url: str = "https://oaipmh.arxiv.org/oai"  # empty: feeds that failed are not repaired
    arxiv_listing_url: str = "https://arxiv.org"  # empty: no second opinion on a stale feed
    arxiv_api_url: str = "https://export.arxiv.org"  # empty: papers that others name are not looked up
    huggingface_url: str = "https://huggingface.co"
    hackernews_url: str = "https://hn.algolia.com"
    semanticscholar_url: str = "https://api.semanticscholar.org"
    semanticscholar_key: str = field(default="", repr=False)
    biorxiv_url: str = "https://api.biorxiv.org"
    pubmed_url: str = "https://eutils.ncbi.nlm.nih.gov"
    pubmed_query: str = ""
    pubmed_key: str = field(default="", repr=False)
    crossref_url: str = "https://api.crossref.org"
    crossref_query: str = ""
    openalex_url: str = "https://api.openalex.org"
    openalex_key: str = field(default="", repr=False)
    openalex_query: str = ""
    openalex_authors: tuple[str, ...] = ()  # ORCID iDs, or OpenAlex's own, like A5023888391
    openalex_institutions: tuple[str, ...] = ()  # ROR ids, or OpenAlex's own, like I27837315
    openreview_url: str = "https://api2.openreview.net"
    openreview_venues: tuple[str, ...] = ()
    journals: tuple[str, ...] = ()
    contact: str = ""  # the operator's mail address, for services that ask who reads them
    feeds: tuple[str, ...] = ()
    zotero_url: str = "https://api.zotero.org"
    orcid_url: str = "https://pub.orcid.org"

    @property
    def issns(self) -> tuple[str, ...]:
        """The ISSNs of the journals to read."""
        return tuple(dict.fromkeys(issn for journal in self.journals for issn in find_issns(journal)))

    @property
    def intervals(self) -> dict[str, float]:
        """Seconds between two requests, by rate group, where a service grants less than usual."""
        return {
            "pubmed": 0.11 if self.pubmed_key else 0.34,  # ten or three requests a second
            "crossref": 0.4,
            "huggingface-repos": 1.0,  # five hundred requests in five minutes are granted
            "openreview": 2.0,  # about a hundred requests in half an hour
        }

    @property
    def trusted_urls(self) -> tuple[str, ...]:
        """Every URL the operator set: these, and only these, may be in a private network."""
        urls = [getattr(self, entry.name) for entry in fields(self) if entry.name.endswith("_url")]
        return (*urls, *self.feeds)

    @property
    def enabled(self) -> tuple[str, ...]:
        """The names of the sources to fetch, with "feeds" if any feeds are listed."""
        return self.sources if "feeds" in self.sources or not self.feeds else (*self.sources, "feeds")

    @property
    def endpoints(self) -> list[tuple[str, str]]:
        """Pairs of an enabled source and a URL it requests."""
        return [
            *((name, getattr(self, url)) for name in self.enabled for url in _URL_FIELDS.get(name, ())),
            *(("feeds", url) for url in self.feeds),
        ]


def get_source_title(name: str) -> str:
    """Return the name of a source as people write it; of one from another package, its name as it is."""
    return _TITLES.get(name, name)


def list_source_names() -> list[str]:
    """Return the names of the sources of this package, then those of other packages."""
    return list(dict.fromkeys([*SOURCE_NAMES, *sorted(find_entry_points())]))


def find_missing_settings(config: SourceConfig, name: str) -> Sequence[str]:
    """Return the settings of which a source needs one, by their fields; none if it has one or needs none."""
    needed = _NEEDS.get(name, ())
    return () if any(getattr(config, setting) for setting in needed) else needed


def find_entry_points() -> dict[str, EntryPoint]:
    """Return the sources of other packages that are installed, by their names."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}
