"""Tests of the form and the hash of API tokens."""

import pytest

from digest.models.api_tokens import TokenKind, create_token, hash_token, is_token, shorten_token


@pytest.mark.parametrize("kind", TokenKind)
def test_a_token_tells_its_kind_and_shows_little_of_its_secret(kind: TokenKind) -> None:
    token, other = create_token(kind), create_token(kind)

    assert token != other
    assert [is_token(each, token) for each in TokenKind] == [each is kind for each in TokenKind]
    assert shorten_token(token) == f"{kind}_{token[len(kind) + 1 :][:4]}…"
    assert hash_token(token) == hash_token(token) != hash_token(other)
    assert token[len(kind) + 1 :] not in hash_token(token)


@pytest.mark.parametrize("text", ["", "digest_admin_", "digest_admin_" + "g" * 48, "x" * 61, "\ud800"])
def test_other_texts_are_no_tokens_and_can_be_hashed(text: str) -> None:
    assert not any(is_token(kind, text) for kind in TokenKind)
    assert hash_token(text)
