"""Which IP addresses belong to the public internet."""

import ipaddress

_UNICAST = ipaddress.ip_network("2000::/3")  # the whole public IPv6 internet
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public_address(address: str) -> bool:
    """Return whether an IP address is public, also the IPv4 address that an IPv6 address embeds.

    Raises ValueError if it is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if embedded or ip in _NAT64:
            return bool(embedded) and is_public_address(str(embedded))
        if ip not in _UNICAST:  # the rest is not assigned, or embeds an IPv4 address
            return False
    return ip.is_global and not ip.is_multicast
