"""Encryption of secrets that the database keeps."""

import sys
from collections.abc import Callable

import pytest

from digest.models.errors import ConfigError, SealBroken
from digest.models.sealing import Sealer

SECRET, OTHER = b"a secret of thirty-two characters", b"another one"


def test_sealed_text_opens_and_shows_nothing() -> None:
    sealed = Sealer([SECRET]).seal("slack://T/B/ä")

    assert Sealer([SECRET]).open(sealed) == "slack://T/B/ä"
    assert Sealer([OTHER, SECRET]).open(sealed) == "slack://T/B/ä"
    assert "slack" not in sealed
    assert sealed != Sealer([SECRET]).seal("slack://T/B/ä")


def test_a_missing_extra_is_named_as_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)  # its import fails

    with pytest.raises(ConfigError, match=r"pip install 'trending-papers-digest\[channels\]'"):
        Sealer([SECRET])


DAMAGES: list[Callable[[str], str]] = [
    lambda _: "",
    lambda text: text[:-2],
    lambda _: "é",
    lambda text: f"A{text}",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_or_foreign_text_does_not_open(damage: Callable[[str], str]) -> None:
    sealed = Sealer([SECRET]).seal("a key")

    with pytest.raises(SealBroken):
        Sealer([SECRET]).open(damage(sealed))
    with pytest.raises(SealBroken):
        Sealer([OTHER]).open(sealed)
