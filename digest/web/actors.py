"""Who acted, in words: the audit log stores ids, and people read names."""

from collections.abc import Iterable

from digest.db import Transaction

_PEOPLE = ("admin", "api")  # the parts before the colon that a public id may follow
_SHARED_TOKENS = {"admin": "DIGEST_ADMIN_TOKEN", "viewer": "DIGEST_VIEWER_TOKEN"}


def describe_actors(tx: Transaction, actors: Iterable[str]) -> dict[str, str]:
    """Return the words for each actor of audit lines: "Ada", "Ada, by API"; others stay as they are."""
    parts = {actor: actor.partition(":") for actor in set(actors)}
    ids = {name for kind, _, name in parts.values() if kind in _PEOPLE and name}
    names = {**_SHARED_TOKENS, **tx.administrators.get_names(ids)}
    words = {}
    for actor, (kind, _, name) in parts.items():
        by = ", by API" if kind == "api" else ""
        words[actor] = f"{names[name]}{by}" if kind in _PEOPLE and name in names else actor
    return words
