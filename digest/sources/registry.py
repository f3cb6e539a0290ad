"""All sources, built from their configuration. Imports all of them, and the HTTP client.

A new source is a module in this package, an entry in SOURCES and a title in `digest.sources.config`. In
another package it is an entry point of the group `digest.sources`: a callable that gets the SourceConfig and
returns a Source.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import EntryPoint
from typing import cast

from digest.models.errors import ConfigError
from digest.sources.arxiv.source import Arxiv
from digest.sources.base import Source
from digest.sources.biorxiv import Biorxiv
from digest.sources.config import SourceConfig, find_entry_points, list_source_names
from digest.sources.crossref import Crossref
from digest.sources.feeds import Feeds
from digest.sources.hackernews import HackerNews
from digest.sources.huggingface import HuggingFace
from digest.sources.huggingface_repos import HuggingFaceRepos
from digest.sources.openalex import OpenAlex
from digest.sources.openreview import OpenReview
from digest.sources.pubmed import PubMed
from digest.sources.semanticscholar import SemanticScholar

SOURCES: Mapping[str, Callable[[SourceConfig], Source]] = {
    "arxiv": Arxiv,
    "huggingface": HuggingFace,
    "huggingface-repos": HuggingFaceRepos,
    "biorxiv": Biorxiv,
    "medrxiv": partial(Biorxiv, name="medrxiv"),
    "feeds": Feeds,
    "semanticscholar": SemanticScholar,
    "hackernews": HackerNews,
    "pubmed": PubMed,
    "crossref": Crossref,
    "openalex": OpenAlex,
    "openreview": OpenReview,
}


def build_sources(config: SourceConfig, *, only: Sequence[str] = ()) -> list[Source]:
    """Return the enabled sources, or those named in *only*, in their order.

    Raises:
        ConfigError: a name is unknown, or a source of another package cannot be imported.
    """
    names = tuple(only) or config.enabled
    known: dict[str, Callable[[SourceConfig], Source]] = {
        name: partial(_load, entry) for name, entry in find_entry_points().items()
    }
    known |= SOURCES
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ConfigError(
            f"There is no source {unknown[0]!r}; choose among {', '.join(list_source_names())}."
        )
    return [known[name](config) for name in names]


def _load(entry: EntryPoint, config: SourceConfig) -> Source:
    try:
        return cast("Source", entry.load()(config))
    except Exception as error:  # whatever a foreign package raises, the operator is told which one it is
        package = entry.dist.name if entry.dist else entry.value
        raise ConfigError(
            f"The source {entry.name!r} of the package {package} cannot be loaded "
            f"({type(error).__name__}: {error}). "
            "Install another version of it, or remove it from DIGEST_SOURCES."
        ) from error
