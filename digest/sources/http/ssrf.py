"""Protection against request forgery (SSRF): hosts the operator did not set must have public addresses."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import anyio

from digest.models.errors import SourceError
from digest.models.networks import is_public_address

_PORTS = {"http": 80, "https": 443}

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


class ParsedUrl(Protocol):
    """A URL as the HTTP library parsed it: what is checked here must be what is connected to."""

    @property
    def scheme(self) -> str:
        """In lower case."""

    @property
    def host(self) -> str:
        """A name or an address, without brackets."""

    @property
    def port(self) -> int | None:
        """None for the usual port of the scheme."""

    @property
    def path(self) -> str:
        """Begins with a slash."""


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


def origin(url: ParsedUrl) -> str:
    """Return scheme, host and port: what the operator trusts by setting a URL."""
    return f"{url.scheme}://{url.host}:{url.port or _PORTS.get(url.scheme, 0)}"


def service_key(url: ParsedUrl) -> str:
    """Return the origin and first path segments: what is up or down together.

    A mirror may serve several sources from one host.
    """
    return "/".join((origin(url), *url.path.split("/")[1:3]))


async def resolve_public_address(url: ParsedUrl, *, resolver: Resolver = resolve) -> str:
    """Return an IP address of the host of *url*, all of whose addresses are public.

    Connect to exactly this address: a second answer of the name server may differ (DNS rebinding).

    Raises:
        SourceError: an address is not public, there is none, or the scheme is not http or https.
    """
    if url.scheme not in _PORTS:
        raise SourceError(f"{url.scheme or 'an empty'}: addresses are not followed")
    addresses = await resolver(url.host, url.port or _PORTS[url.scheme])
    if not addresses or not all(is_public_address(address) for address in addresses):
        raise SourceError(f"{url.host} is in a private network, and no setting names it; it was not read")
    return addresses[0]
