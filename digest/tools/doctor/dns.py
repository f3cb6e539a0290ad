"""Checks of our DNS records: SPF, DKIM, DMARC, the return path, and the name of the sending address (PTR)."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.resolver
import dns.reversename

from digest.app.services import Services
from digest.delivery.smtp.transport import SmtpServerConfig
from digest.tools.doctor.findings import Finding, fail, ok, warn

Lookup = Callable[[str, str], Awaitable[Sequence[str] | None]]
LOOKUP_TIMEOUT = 5.0  # seconds for each query
MAX_RECORD_CHARS = 80  # that are shown
NO_ANSWER = "the name server did not answer"
RETRY_FIX = "try again with a network"


async def query_records(name: str, kind: str) -> Sequence[str] | None:
    """Return the records of a name as text: empty if there are none, None if no name server answered."""
    try:
        answer = await dns.asyncresolver.resolve(name, kind, lifetime=LOOKUP_TIMEOUT)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException:
        return None
    return [
        b"".join(record.strings).decode("ascii", "replace") if kind == "TXT" else record.to_text()
        for record in answer
    ]


async def check_dns(services: Services, now: datetime, *, lookup: Lookup = query_records) -> list[Finding]:  # noqa: ARG001  all checks take it
    """Check everything that receivers look up before they believe that a mail is ours.

    Return nothing if the sender has no domain.
    """
    domain = services.site.domain
    if "." not in domain:
        return []
    spf_fix = f'add a TXT record at {domain}: "v=spf1 include:YOUR-RELAY ~all"'
    dmarc_fix = f'add a TXT record at _dmarc.{domain}: "v=DMARC1; p=none"'
    return [
        await _check_text(lookup, "SPF", domain, "v=spf1", spf_fix),
        *await _check_dkim(services, lookup, domain),
        await _check_text(lookup, "DMARC", f"_dmarc.{domain}", "v=DMARC1", dmarc_fix),
        await _check_return_path(lookup, services.settings.bounce_domain or domain),
        *await _check_reverse(lookup, await _find_sending_host(services, lookup)),
    ]


async def _check_text(lookup: Lookup, check: str, name: str, prefix: str, fix: str) -> Finding:
    records = await lookup(name, "TXT")
    if records is None:
        return warn(check, NO_ANSWER, RETRY_FIX)
    matches = [record for record in records if record.startswith(prefix)]
    if not matches:
        return fail(check, f"{name} has no {check} record", fix)
    if len(matches) > 1:
        return fail(
            check, f"{name} has {len(matches)} {check} records: receivers ignore them all", "keep only one"
        )
    return ok(check, matches[0][:MAX_RECORD_CHARS])


async def _check_dkim(services: Services, lookup: Lookup, domain: str) -> list[Finding]:
    """Check that our public key is published. A relay's key cannot be checked: only it knows its selector."""
    if not services.settings.dkim_key:
        return [ok("DKIM", "left to the relay; look for dkim=pass in a received email")]
    name = f"{services.settings.dkim_selector}._domainkey.{domain}"
    records = await lookup(name, "TXT")
    if records is None:
        return [warn("DKIM", NO_ANSWER, RETRY_FIX)]
    keys = [record for record in records if re.search(r"\bp=[A-Za-z0-9+/ ]+", record)]
    if not keys:
        return [fail("DKIM", f"{name} holds no key", "publish the public half there: docs/deliverability.md")]
    return [ok("DKIM", f"{name} holds a key")]


async def _check_return_path(lookup: Lookup, domain: str) -> Finding:
    """Check that the domain can receive bounces and replies: mail from one that cannot is refused."""
    answers = [await lookup(domain, kind) for kind in ("MX", "A", "AAAA")]
    if any(answers):
        return ok("return path", f"{domain} receives mail")
    if None in answers:
        return warn("return path", NO_ANSWER, RETRY_FIX)
    return fail("return path", f"{domain} has neither MX nor A record", f"add an MX record at {domain}")


async def _find_sending_host(services: Services, lookup: Lookup) -> str:
    """Return the relay's host; for a server on this machine, the domain's own mail host."""
    urls = services.settings.smtp_url.get_secret_value().split()
    server = SmtpServerConfig.parse(urls[0]) if urls else None
    if server and not server.is_loopback:
        return server.host
    hosts = sorted(await lookup(services.site.domain, "MX") or [])
    return hosts[0].rpartition(" ")[2].rstrip(".") if hosts else services.site.domain


async def _check_reverse(lookup: Lookup, host: str) -> list[Finding]:
    """Check that each address has a name and the name has that address: other mail is refused."""
    addresses = (
        [host]
        if _is_address(host)
        else [*(await lookup(host, "A") or []), *(await lookup(host, "AAAA") or [])]
    )
    return [await _check_ptr(lookup, address) for address in addresses[:4]]


async def _check_ptr(lookup: Lookup, address: str) -> Finding:
    names = await lookup(dns.reversename.from_address(address).to_text(), "PTR")
    if names is None:
        return warn("PTR", NO_ANSWER, RETRY_FIX)
    build_warning = partial(
        warn,
        "PTR",
        fix="ask the owner of the IP address to set its PTR record to a name that resolves back to it",
    )
    if not names:
        return build_warning(f"{address} has no name")
    name = names[0].rstrip(".")
    addresses = await lookup(name, "AAAA" if ":" in address else "A") or []
    return (
        ok("PTR", f"{address} is {name}")
        if address in addresses
        else build_warning(f"{address} says it is {name}")
    )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
