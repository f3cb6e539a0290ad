"""Signed return addresses: every delivery has its own envelope sender, so that a bounce cannot be forged."""

import hmac
import re
from collections.abc import Sequence

RETURN_ADDRESS = re.compile(r"b\+([a-z2-7]{8,32})\.([0-9a-f]{16})@([^\s@<>,;()]+)", re.IGNORECASE)


def build_return_address(public_id: str, *, domain: str, key: bytes) -> str:
    """Return the envelope sender of a delivery: b+<id>.<signature>@domain, at most 64 octets before the @."""
    return f"b+{public_id}.{_sign(public_id, key)}@{domain}"


def parse_return_address(address: str, *, keys: Sequence[bytes]) -> str | None:
    """Return the public id of the delivery with this return address; None if it is foreign or forged."""
    match = RETURN_ADDRESS.fullmatch(address.strip().strip("<>"))
    if match is None:
        return None
    public_id, signature = match[1].lower(), match[2].lower()
    matches = [hmac.compare_digest(signature, _sign(public_id, key)) for key in keys]
    return public_id if any(matches) else None


def find_return_address(text: str, *, keys: Sequence[bytes]) -> str | None:
    """Return the public id of the first genuine return address anywhere in a header or field, or None."""
    public_ids = (parse_return_address(match[0], keys=keys) for match in RETURN_ADDRESS.finditer(text))
    return next((public_id for public_id in public_ids if public_id), None)


def _sign(public_id: str, key: bytes) -> str:
    return hmac.new(key, b"return\0" + public_id.encode(), "sha256").hexdigest()[:16]
