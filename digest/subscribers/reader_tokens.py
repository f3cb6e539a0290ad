"""A reader's own tokens of the API: making, ending and recognising one."""

from digest.db import Transaction
from digest.models import SUBSCRIBED, Subscriber
from digest.models.api_tokens import (
    MAX_READER_TOKENS,
    ReaderToken,
    TokenKind,
    create_token,
    hash_token,
    is_token,
    shorten_token,
)
from digest.models.errors import InvalidChange
from digest.models.text import clean
from digest.subscribers.helpers import Actor, get_subscriber

MAX_NAME_CHARS = 60


def add_reader_token(tx: Transaction, who: str, name: str, *, may_write: bool, actor: Actor) -> str:
    """Make a token for a reader and return it; it is shown this once and stored as a hash.

    Raises InvalidChange if it has no name, or if there are too many.
    """
    reader, name = get_subscriber(tx, who), clean(name)[:MAX_NAME_CHARS]
    if not name:
        raise InvalidChange("Give the token a name, such as the program that will use it.")
    if len(tx.reader_tokens.list_by_subscriber(reader.id)) >= MAX_READER_TOKENS:
        raise InvalidChange("There are too many tokens; revoke one first.")
    secret = create_token(TokenKind.READER)
    shown = shorten_token(secret)
    token = ReaderToken(
        id=0, subscriber_id=reader.id, name=name, shown=shown, may_write=may_write, created_at=actor.now
    )
    tx.reader_tokens.add(hash_token(secret), token)
    actor.write_audit(tx, "add-token", reader.public_id, {"token": shown})
    return secret


def end_reader_token(tx: Transaction, who: str, token_id: int, *, actor: Actor) -> None:
    """End a token at once. Raises NotFound if the reader has none with this id."""
    reader = get_subscriber(tx, who)
    shown = {token.id: token.shown for token in tx.reader_tokens.list_by_subscriber(reader.id)}
    tx.reader_tokens.remove(reader.id, token_id)
    actor.write_audit(tx, "end-token", reader.public_id, {"token": shown[token_id]})


def find_reader(tx: Transaction, text: str) -> tuple[Subscriber, ReaderToken] | None:
    """Return whose token this is; None if it is not valid, or its reader is not subscribed any more."""
    token = tx.reader_tokens.find(hash_token(text)) if is_token(TokenKind.READER, text) else None
    reader = tx.subscribers.get_by_id(token.subscriber_id) if token else None
    if token is None or reader is None or reader.status not in SUBSCRIBED:
        return None
    return reader, token
