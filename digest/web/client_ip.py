"""The IP address of a client behind trusted proxies. X-Forwarded-For is untrusted input beyond them."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
UNKNOWN_CLIENT = "unknown"
IPV6_PREFIX_LENGTH = 64  # one household: all of its addresses count as one client


class TrustedProxies:
    """The proxies whose X-Forwarded-For header is trusted."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._networks = [ip_network(network, strict=False) for network in trusted]

    def client_ip(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the right-most hop that is not a trusted proxy; *peer* itself if it is none.

        What stands left of that hop was written by the client and may be anything. Of an IPv6 address the
        /64 network is returned; `UNKNOWN_CLIENT` if *peer* is no address.
        """
        hops = [hop for line in forwarded for hop in line.split(",") if hop.strip()]
        client = _parse_address(peer)
        while hops and client is not None and any(client in network for network in self._networks):
            hop = _parse_address(hops.pop())
            if hop is None:
                break
            client = hop
        if client is None:
            return UNKNOWN_CLIENT
        is_v4 = isinstance(client, IPv4Address)
        return str(client if is_v4 else IPv6Network((client, IPV6_PREFIX_LENGTH), strict=False))


def _parse_address(text: str) -> Address | None:
    """Parse an address, also with a port as proxies add it: 192.0.2.1:443, [2001:db8::1]:443."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
