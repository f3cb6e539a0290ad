"""The key under which suppressed addresses are hashed: with another one none of them would be recognised."""

from digest.db import Database
from digest.models.addresses import hash_mailbox
from digest.models.errors import ConfigError

KEY_FINGERPRINT = "suppression_key"  # meta key: tells which key the addresses are hashed under


def remember_suppression_key(store: Database, key: bytes) -> None:
    """Remember under which key addresses are suppressed, unless some are under another one."""
    with store.begin(write=False) as tx:
        known = tx.meta.read(KEY_FINGERPRINT)
        is_new = known != _compute_fingerprint(key) and not (known and tx.suppressions.count())
    if is_new:
        accept_suppression_key(store, key)


def check_suppression_key(store: Database, key: bytes) -> None:
    """Check that addresses are suppressed under this key: under another one none would be recognised.

    Raises:
        ConfigError: addresses are suppressed under another key.
    """
    with store.begin(write=False) as tx:
        known = tx.meta.read(KEY_FINGERPRINT)
        count = tx.suppressions.count() if known not in ("", _compute_fingerprint(key)) else 0
    if count:
        subject = "1 address is" if count == 1 else f"{count} addresses are"
        raise ConfigError(
            f"{subject} suppressed under another secret key, and would get email again. "
            "Put back that key: DIGEST_SECRET_KEY, or the .key file beside the database. If the key was "
            "changed, keep the old one in DIGEST_OLD_SECRET_KEYS, as the last. If it is lost: digest db "
            "resume --new-key"
        )


def accept_suppression_key(store: Database, key: bytes) -> None:
    """Suppress addresses under this key from now on; those under another one are not recognised any more."""
    with store.begin() as tx:
        tx.meta.write(KEY_FINGERPRINT, _compute_fingerprint(key))


def _compute_fingerprint(key: bytes) -> str:
    return hash_mailbox("", suppression_key=key)
