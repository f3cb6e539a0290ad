"""Encryption of secrets that the database must keep: webhook addresses, keys of other services.

A sealed text is a Fernet token (AES-128-CBC with HMAC-SHA256) under a key derived from DIGEST_SECRET_KEY.
Texts sealed under a retired key (DIGEST_OLD_SECRET_KEYS) still open. It needs `cryptography`, an extra.
"""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import blake2b

from digest.models.errors import ConfigError, SealBroken


class Sealer:
    """Seals and opens short texts."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Take the signing keys, the current one first. Raises ConfigError without `cryptography`."""
        try:
            from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415  an extra
        except ImportError as error:
            raise ConfigError(
                "Secrets of other services need an extra: pip install 'trending-papers-digest[channels]', or "
                "[zotero] for libraries."
            ) from error
        hashes = (blake2b(secret, person=b"digest.sealing", digest_size=32) for secret in secrets)
        self._fernet = MultiFernet([Fernet(urlsafe_b64encode(key.digest())) for key in hashes])

    def seal(self, text: str) -> str:
        """Return *text* encrypted, different each time."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Return the text that was sealed. Raises SealBroken."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  an extra

        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SealBroken from error
