"""The field of science of a paper, as far as votes go: an archive of arXiv, or the source it came from."""

from digest.models.arxiv_categories import ARXIV_CATEGORIES
from digest.models.papers import Paper


def get_field(paper: Paper) -> str:
    """Return arXiv's archive (cs, math) of the primary category, else the source (pubmed, biorxiv)."""
    return paper.category.partition(".")[0] if paper.category in ARXIV_CATEGORIES else paper.source


def is_archive(field: str) -> bool:
    """Return whether a field is an archive of arXiv's."""
    return field in ARXIV_CATEGORIES
