"""What do a reader's libraries lend while we wait? What came in time, and a sentence for the rest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from anyio import create_task_group, fail_after

from digest.models.errors import InvalidChange, SourceError
from digest.sources.http.client import Client, ClientPolicy
from digest.sources.http.response import BadResponse
from digest.sources.libraries.bibliography import Seeds
from digest.sources.libraries.clients import LibraryAccounts, Places, gathered, together

LARGEST = 32 * 2**20  # bytes of one answer, decompressed
NAMES = {"zotero": "Zotero library", "orcid": "ORCID record", "author": "Semantic Scholar page"}
CLOSED = frozenset({401, 403})
# Only as whole links or whole iDs: a bibliography holds iDs of many people among its fields.
_ORCID = re.compile(
    r"(?<!\S)(?:https?://orcid\.org/)?\d{4}-\d{4}-\d{4}-\d{3}[\dXx]/?(?!\S)", re.ASCII | re.IGNORECASE
)
_AUTHOR = re.compile(r"(?<!\S)https?://www\.semanticscholar\.org/author/(?:[^/\s]+/)?\d+(?!\S)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Lent:
    """The papers that came, and by the library's name a sentence on why none did."""

    seeds: Seeds = field(default_factory=Seeds)
    failures: Mapping[str, str] = field(default_factory=dict)


def in_a_hurry(manners: ClientPolicy) -> ClientPolicy:
    """These manners for somebody who waits: soon given up, not much taken, and never led elsewhere."""
    return replace(
        manners,
        attempts=2,
        first_wait=0.5,
        longest_wait=3.0,
        connect_within=5.0,
        read_within=10.0,
        largest=LARGEST,
        wanders=False,
    )


def named_in(text: str) -> tuple[LibraryAccounts, str]:
    """The first ORCID iD and Semantic Scholar page that stand in a text, and the text without them."""
    orcid, author = _ORCID.search(text), _AUTHOR.search(text)
    for found in filter(None, (orcid, author)):
        text = text.replace(found[0], "", 1)
    return LibraryAccounts(orcid=orcid[0] if orcid else "", author=author[0] if author else ""), text


async def lent(client: Client, places: Places, shelves: LibraryAccounts, *, within: float, most: int) -> Lent:
    """Ask every library at once, for so many seconds; what one of them fails to say harms no other."""
    came: dict[str, Seeds] = {}
    failures: dict[str, str] = {}

    async def ask(name: str, shelf: LibraryAccounts) -> None:
        try:
            with fail_after(within):
                came[name] = await gathered(client, places, shelf, most=most)
            if came[name] == Seeds():
                failures[name] = f"The {NAMES[name]} holds no papers."
        except TimeoutError:
            failures[name] = f"The {NAMES[name]} did not answer within {within:g} seconds."
        except InvalidChange as error:
            failures[name] = str(error)
        except SourceError as error:
            failures[name] = f"The {NAMES[name]} could not be read: {_reason(error)}."

    asked = shelves.apart()
    async with create_task_group() as group:
        for name, shelf in asked.items():
            group.start_soon(ask, name, shelf)
    return Lent(together([came[name] for name in asked if name in came]), failures)


def _reason(error: SourceError) -> str:
    status = error.answer.status if isinstance(error, BadResponse) else 0
    if status in CLOSED:
        return "it is private, and no key or another one was given"
    return "there is none of this number" if status == 404 else str(error)
