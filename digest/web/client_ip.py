"""Who is asking? The address of the visitor, believed only as far as our own proxies vouch for it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from digest.models.errors import ConfigError

Address = IPv4Address | IPv6Address
UNKNOWN = "unknown"
HOME = 64  # the prefix of one IPv6 household: its addresses count as one visitor


class Proxies:
    """The proxies whose X-Forwarded-For is believed."""

    def __init__(self, trusted: Iterable[str]) -> None:
        try:
            self._networks = [ip_network(each, strict=False) for each in trusted]
        except ValueError as error:
            raise ConfigError(f"DIGEST_TRUSTED_PROXIES: {error}; write addresses like 10.0.0.0/8.") from error

    def visitor(self, peer: str, forwarded: Sequence[str]) -> str:
        """The right-most hop that is not one of our proxies; `peer` itself when it is none of ours.

        What stands left of that hop was written by the visitor and may be anything.
        """
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        seen = _address(peer)
        while hops and seen is not None and self._trusts(seen):
            nearer = _address(hops.pop())
            if nearer is None:
                break
            seen = nearer
        return _household(seen) if seen is not None else UNKNOWN

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _address(text: str) -> Address | None:
    try:
        found = ip_address(text.strip().removeprefix("[").partition("]")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _household(address: Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, HOME), strict=False))
