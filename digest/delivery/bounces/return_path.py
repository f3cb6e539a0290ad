"""Whose bounce is this? Every mail has its own return address, signed, so that nobody can forge a bounce."""

import hmac
import re
from collections.abc import Sequence

_ADDRESS = re.compile(r"b\+([a-z2-7]{8,32})\.([0-9a-f]{16})@([^\s@<>,;()]+)", re.IGNORECASE)


def return_address(pid: str, *, domain: str, key: bytes) -> str:
    """The envelope sender of one delivery: b+<pid>.<signature>@domain, at most 64 octets before the @."""
    return f"b+{pid}.{_signature(pid, key)}@{domain}"


def delivery_behind(address: str, *, keys: Sequence[bytes]) -> str | None:
    """The public id of the delivery whose return address this is; None for a stranger's or a forged one."""
    found = _ADDRESS.fullmatch(address.strip().strip("<>"))
    if found is None:
        return None
    pid, signature = found[1].lower(), found[2].lower()
    genuine = [hmac.compare_digest(signature, _signature(pid, key)) for key in keys]
    return pid if any(genuine) else None


def delivery_in(text: str, *, keys: Sequence[bytes]) -> str | None:
    """The first delivery whose genuine return address stands anywhere in this header or field."""
    found = (delivery_behind(each[0], keys=keys) for each in _ADDRESS.finditer(text))
    return next((pid for pid in found if pid), None)


def _signature(pid: str, key: bytes) -> str:
    return hmac.new(key, b"return\0" + pid.encode(), "sha256").hexdigest()[:16]
