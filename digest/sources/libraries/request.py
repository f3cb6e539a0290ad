"""Fetching a subscriber's libraries while they wait: with a time limit, and a sentence for each failure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from anyio import create_task_group, fail_after

from digest.models.errors import DigestError, InvalidChange, Phrase, SourceChanged, SourceError
from digest.sources.config import SourceConfig
from digest.sources.http.client import Client
from digest.sources.http.response import BadResponse
from digest.sources.libraries.bibliography import SeedPapers
from digest.sources.libraries.clients import LibraryAccounts, fetch_seeds, merge_seeds

LIBRARY_NAMES = {
    "zotero": Phrase("Zotero library"),
    "orcid": Phrase("ORCID record"),
    "author": Phrase("Semantic Scholar page"),
}
PRIVATE_STATUSES = frozenset({401, 403})
# Only whole links or whole iDs: the fields of a bibliography hold iDs of many people.
_ORCID = re.compile(
    r"(?<!\S)(?:https?://orcid\.org/)?\d{4}-\d{4}-\d{4}-\d{3}[\dXx]/?(?!\S)", re.ASCII | re.IGNORECASE
)
_AUTHOR = re.compile(r"(?<!\S)https?://www\.semanticscholar\.org/author/(?:[^/\s]+/)?\d+(?!\S)", re.ASCII)


@dataclass(frozen=True, slots=True)
class LibraryPapers:
    """The papers that were fetched, and by library why there are none."""

    seeds: SeedPapers = field(default_factory=SeedPapers)
    failures: Mapping[str, DigestError] = field(default_factory=dict)


def extract_accounts(text: str) -> tuple[LibraryAccounts, str]:
    """Return the first ORCID iD and Semantic Scholar link in a text, and the text without them."""
    orcid, author = _ORCID.search(text), _AUTHOR.search(text)
    for match in filter(None, (orcid, author)):
        text = text.replace(match[0], "", 1)
    return LibraryAccounts(orcid=orcid[0] if orcid else "", author=author[0] if author else ""), text


async def fetch_libraries(
    client: Client,
    config: SourceConfig,
    accounts: LibraryAccounts,
    *,
    timeout: float,  # noqa: ASYNC109  one deadline, reported per library
    limit: int,
) -> LibraryPapers:
    """Fetch all libraries at once, *timeout* seconds at most; a failure does not affect the others."""
    seeds: dict[str, SeedPapers] = {}
    failures: dict[str, DigestError] = {}

    async def fetch(name: str, account: LibraryAccounts) -> None:
        try:
            with fail_after(timeout):
                seeds[name] = await fetch_seeds(client, config, account, limit=limit)
            if seeds[name] == SeedPapers():
                failures[name] = SourceError("The %(library)s holds no papers.", library=LIBRARY_NAMES[name])
        except TimeoutError:
            failures[name] = SourceError(
                "The %(library)s did not answer within %(seconds)s seconds.",
                library=LIBRARY_NAMES[name],
                seconds=f"{timeout:g}",
            )
        except InvalidChange as error:
            failures[name] = error
        except SourceError as error:
            failures[name] = SourceError(
                "The %(library)s could not be read: %(why)s.",
                library=LIBRARY_NAMES[name],
                why=describe_failure(error),
            )

    by_library = accounts.by_library()
    async with create_task_group() as group:
        for name, account in by_library.items():
            group.start_soon(fetch, name, account)
    return LibraryPapers(merge_seeds([seeds[name] for name in by_library if name in seeds]), failures)


def describe_failure(error: SourceError) -> Phrase:
    """Return why a library could not be read, for its reader."""
    status = error.response.status if isinstance(error, BadResponse) else 0
    if status in PRIVATE_STATUSES:
        return Phrase("it is private, and no valid key was given")
    if status == 404:
        return Phrase("there is none with this number")
    if isinstance(error, SourceChanged):
        return Phrase("its response has an unexpected format")
    return Phrase("the service did not return a usable response; try again later")
