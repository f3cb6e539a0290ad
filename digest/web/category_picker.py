"""The picker of categories, on the forms of sign-up and preferences: names to tick, in groups."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from digest.mail.wording import name_category
from digest.models.arxiv_categories import CATEGORY_NAMES
from digest.models.category_groups import CategoryKind
from digest.models.journals import JOURNALS
from digest.web.languages import get_page_locale


@dataclass(frozen=True, slots=True)
class CategoryBox:
    """A category to tick."""

    value: str  # as papers are stored
    name: str
    code: str = ""  # of arXiv, or the ISSN of a journal


@dataclass(frozen=True, slots=True)
class CategoryGroup:
    """Categories under one heading, and how many of them are ticked."""

    name: str
    boxes: tuple[CategoryBox, ...]
    chosen: int


def group_categories(
    others: Mapping[CategoryKind, Sequence[str]], ticked: Collection[str] = ()
) -> list[CategoryGroup]:
    """Return arXiv's categories by archive, then the *others*, which stored papers have, by their kind."""
    groups = [*_group_arxiv(), *_group_others(others)]
    return [
        CategoryGroup(name, boxes, sum(box.value in ticked for box in boxes))
        for name, boxes in groups
        if boxes
    ]


def _group_arxiv() -> Iterator[tuple[str, tuple[CategoryBox, ...]]]:
    """Yield the archives with their categories; those without parts of their own are one group."""
    locale = get_page_locale()
    archives: dict[str, list[CategoryBox]] = {}
    for code in CATEGORY_NAMES:
        box = CategoryBox(code, name_category(locale, code), code)
        archives.setdefault(code.partition(".")[0], []).append(box)
    for boxes in archives.values():
        if len(boxes) > 1:  # the first is the archive itself, which no paper has as a category
            yield boxes[0].name, tuple(boxes[1:])
    single = tuple(boxes[0] for boxes in archives.values() if len(boxes) == 1)
    yield locale.gettext("Other physics archives"), single


def _group_others(
    others: Mapping[CategoryKind, Sequence[str]],
) -> Iterator[tuple[str, tuple[CategoryBox, ...]]]:
    locale = get_page_locale()
    titles = {
        CategoryKind.JOURNAL: locale.gettext("Journals"),
        CategoryKind.VENUE: locale.gettext("Conferences"),
        CategoryKind.SUBJECT: locale.gettext("Subjects"),
    }
    for kind, names in others.items():
        is_journal = kind is CategoryKind.JOURNAL
        codes = {name: next(iter(JOURNALS.get(name, ())), "") if is_journal else "" for name in names}
        yield titles[kind], tuple(CategoryBox(name, name, code) for name, code in codes.items())


CATEGORIES_TO_TICK = frozenset(box.value for _, boxes in _group_arxiv() for box in boxes)
