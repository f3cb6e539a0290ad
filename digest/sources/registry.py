"""Which sources are there? A new one is a file in this room and a line in SOURCES."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields

from digest.models.errors import ConfigError
from digest.sources.arxiv.source import Arxiv
from digest.sources.base import Source
from digest.sources.biorxiv import Biorxiv
from digest.sources.feeds import Feeds
from digest.sources.hackernews import HackerNews
from digest.sources.huggingface import HuggingFace
from digest.sources.libraries.clients import Places
from digest.sources.semanticscholar import SemanticScholar


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What shall be read and where it is: the settings of the same names, as plain values."""

    sources: tuple[str, ...] = ("arxiv", "huggingface", "hackernews")
    arxiv_categories: tuple[str, ...] = ("cs.AI", "cs.CL", "cs.CV", "cs.LG", "cs.RO", "stat.ML")
    arxiv_rss_url: str = "https://rss.arxiv.org"
    arxiv_oai_url: str = "https://oaipmh.arxiv.org/oai"
    arxiv_listing_url: str = "https://arxiv.org"
    arxiv_api_url: str = "https://export.arxiv.org"
    huggingface_url: str = "https://huggingface.co"
    hackernews_url: str = "https://hn.algolia.com"
    semanticscholar_url: str = "https://api.semanticscholar.org"
    semanticscholar_key: str = field(default="", repr=False)
    biorxiv_url: str = "https://api.biorxiv.org"
    feeds: tuple[str, ...] = ()
    zotero_url: str = "https://api.zotero.org"
    orcid_url: str = "https://pub.orcid.org"

    @property
    def libraries(self) -> Places:
        """Where readers' own libraries are."""
        return Places(
            zotero=self.zotero_url,
            orcid=self.orcid_url,
            semanticscholar=self.semanticscholar_url,
            semanticscholar_key=self.semanticscholar_key,
        )

    @property
    def trusted(self) -> tuple[str, ...]:
        """Every URL the operator set: these, and only these, may lie in a private network."""
        urls = [getattr(self, name) for name in (f.name for f in fields(self)) if name.endswith("_url")]
        return (*urls, *self.feeds)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The sources that are read; the feeds too, where any are listed."""
        return self.sources if "feeds" in self.sources or not self.feeds else (*self.sources, "feeds")

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Every source that is read, with each URL it asks."""
        places = [(name, place) for name in self.chosen for place in _PLACES.get(name, ())]
        return [
            *((name, getattr(self, place)) for name, place in places),
            *(("feeds", url) for url in self.feeds),
        ]


_PLACES: Mapping[str, Sequence[str]] = {
    "arxiv": ("arxiv_rss_url", "arxiv_oai_url", "arxiv_listing_url"),
    "huggingface": ("huggingface_url", "arxiv_api_url"),
    "biorxiv": ("biorxiv_url",),
    "medrxiv": ("biorxiv_url",),
    "semanticscholar": ("semanticscholar_url",),
    "hackernews": ("hackernews_url", "arxiv_api_url"),
}

SOURCES: Mapping[str, Callable[[Plan], Source]] = {
    "arxiv": lambda plan: Arxiv(
        categories=plan.arxiv_categories,
        rss=plan.arxiv_rss_url,
        oai=plan.arxiv_oai_url,
        listing=plan.arxiv_listing_url,
    ),
    "huggingface": lambda plan: HuggingFace(plan.huggingface_url, api=plan.arxiv_api_url),
    "biorxiv": lambda plan: Biorxiv(plan.biorxiv_url),
    "medrxiv": lambda plan: Biorxiv(plan.biorxiv_url, name="medrxiv"),
    "feeds": lambda plan: Feeds(plan.feeds),
    "semanticscholar": lambda plan: SemanticScholar(plan.semanticscholar_url, plan.semanticscholar_key),
    "hackernews": lambda plan: HackerNews(plan.hackernews_url, api=plan.arxiv_api_url),
}


def build(plan: Plan, *, only: Sequence[str] = ()) -> list[Source]:
    """The chosen sources in their order, and feeds where any are listed; ConfigError for an unknown one."""
    names = tuple(only) or plan.chosen
    unknown = [name for name in names if name not in SOURCES]
    if unknown:
        raise ConfigError(f"There is no source {unknown[0]!r}; choose among {', '.join(SOURCES)}.")
    return [SOURCES[name](plan) for name in names]
