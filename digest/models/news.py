"""News of a paper after it was sent or saved: withdrawn, published, code appeared, revised."""

from dataclasses import replace

from digest.models.citations import find_publication
from digest.models.editions import NewsKind, PaperNews
from digest.models.paper_ids import normalize_letters
from digest.models.papers import Paper
from digest.models.text import clean, shorten

MAX_TITLE_CHARS = 150
MIN_SHARED_WORDS = 0.75  # of two abstracts together; with fewer in common one says something else


def find_news(before: Paper, after: Paper) -> tuple[PaperNews, ...]:
    """Return what a reader of the paper *before* wants to know when it is as *after*."""
    news = PaperNews(
        kind=NewsKind.WITHDRAWN,
        paper_id=after.id,
        title=shorten(clean(before.title or after.title), MAX_TITLE_CHARS),
        url=after.url,
        version=after.version,
    )
    if after.withdrawn:  # then nothing else matters
        return () if before.withdrawn else (news,)
    found: list[PaperNews] = []
    doi = find_publication(after)
    if doi and not find_publication(before):
        found.append(replace(news, kind=NewsKind.PUBLISHED, link=f"https://doi.org/{doi}"))
    if after.code_url and not before.code_url:
        found.append(replace(news, kind=NewsKind.CODE, link=after.code_url))
    if after.version > before.version:
        titles = {before.title, after.title}
        is_renamed = len(titles) > 1 and len({*map(normalize_letters, titles)}) > 1
        if is_renamed or _is_rewritten(before.abstract, after.abstract):
            title = shorten(clean(after.title), MAX_TITLE_CHARS) if is_renamed else ""
            found.append(replace(news, kind=NewsKind.REVISED, new_title=title))
    return tuple(found)


def _is_rewritten(before: str, after: str) -> bool:
    """Return whether an abstract says something else; a corrected word or another markup does not count."""
    if before == after:
        return False
    one, other = ({*text.split()} for text in (before, after))
    if _share_most(one, other):  # as nearly always: words need not be compared letter by letter
        return False
    one, other = ({*map(normalize_letters, words)} - {""} for words in (one, other))
    return bool(one and other) and not _share_most(one, other)


def _share_most(one: set[str], other: set[str]) -> bool:
    return len(one & other) >= MIN_SHARED_WORDS * len(one | other)
