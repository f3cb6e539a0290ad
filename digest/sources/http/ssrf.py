"""Protection against request forgery (SSRF): hosts the operator did not set must have public addresses."""

from collections.abc import Awaitable, Callable, Sequence

import anyio

from digest.models.errors import SourceError
from digest.models.networks import is_public_address

_PORTS = {"http": 80, "https": 443}

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return every IP address of *host*.

    Raises:
        SourceError: the host does not exist.
    """
    try:
        addresses = await anyio.getaddrinfo(host, port)
    except OSError as error:
        raise SourceError(f"there is no host {host}") from error
    return [str(address[4][0]) for address in addresses]


async def resolve_public_address(
    scheme: str, host: str, *, port: int | None, resolver: Resolver = resolve
) -> str:
    """Return an IP address of a host, all of whose addresses are public; *port* None is that of the scheme.

    Connect to exactly this address: a second answer of the name server may differ (DNS rebinding).

    Raises:
        SourceError: an address is not public, there is none, or the scheme is not http or https.
    """
    if scheme not in _PORTS:
        raise SourceError(f"{scheme or 'an empty'}: addresses are not followed")
    addresses = await resolver(host, port or _PORTS[scheme])
    if not addresses or not all(is_public_address(address) for address in addresses):
        raise SourceError(f"{host} is in a private network, and no setting names it; it was not read")
    return addresses[0]
