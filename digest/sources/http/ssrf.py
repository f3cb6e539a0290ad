"""Where may we go? Anywhere the operator set; otherwise only to addresses of the public internet."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence

import anyio
import httpx

from digest.models.errors import SourceError

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address a host name stands for."""
    try:
        found = await anyio.getaddrinfo(host, port)
    except OSError as error:
        raise SourceError(f"there is no host {host}") from error
    return [str(address[4][0]) for address in found]


def origin(url: httpx.URL) -> str:
    """Scheme, host and port: what the operator trusts by setting a URL."""
    return f"{url.scheme}://{url.host}:{url.port or _PORTS.get(url.scheme, 0)}"


def service(url: httpx.URL) -> str:
    """What is up or down as one: a host and where on it. A mirror may serve several sources from one host."""
    return "/".join((origin(url), *url.path.split("/")[1:3]))


async def public_address(url: httpx.URL, *, ask: Resolve = resolve) -> str:
    """An address of this host, checked; SourceError when any of its addresses is not public.

    The caller connects to exactly this address, so that a second answer of the name server changes nothing.
    """
    if url.scheme not in _PORTS:
        raise SourceError(f"{url.scheme or 'an empty'}: addresses are not followed")
    addresses = await ask(url.host, url.port or _PORTS[url.scheme])
    if not addresses or not all(_is_public(address) for address in addresses):
        raise SourceError(f"{url.host} is an address inside a private network; it was not followed")
    return addresses[0]


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if inner or ip in _NAT64:
            return bool(inner) and _is_public(str(inner))
        if ip not in _UNICAST:  # the rest is given to nobody, or stands for an IPv4 address in disguise
            return False
    return ip.is_global and not ip.is_multicast


_PORTS = {"http": 80, "https": 443}
_UNICAST = ipaddress.ip_network("2000::/3")  # all there is of the public IPv6 internet
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
