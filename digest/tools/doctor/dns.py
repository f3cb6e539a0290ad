"""What do the name servers say of us? SPF, DKIM, DMARC, where bounces go, and what the sender is called."""

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
from digest.delivery.smtp.transport import Server
from digest.tools.doctor.findings import Finding, fail, ok, warn

Lookup = Callable[[str, str], Awaitable[Sequence[str] | None]]
PATIENCE = 5.0  # seconds for each question
LONGEST = 80  # characters of a record that are shown
ASK_AGAIN = "look again with a network"


async def ask(name: str, kind: str) -> Sequence[str] | None:
    """The records of a name, in text; none when there are none, None when nobody could be asked."""
    try:
        answer = await dns.asyncresolver.resolve(name, kind, lifetime=PATIENCE)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except dns.exception.DNSException:
        return None
    return [
        b"".join(record.strings).decode("ascii", "replace") if kind == "TXT" else record.to_text()
        for record in answer
    ]


async def dns_records(services: Services, now: datetime, *, lookup: Lookup = ask) -> list[Finding]:  # noqa: ARG001  a check among checks
    """Everything receivers look up before they believe that a mail is ours."""
    domain = services.site.domain
    if "." not in domain:
        return []
    spf = f'add a TXT record at {domain}: "v=spf1 include:YOUR-RELAY ~all"'
    dmarc = f'add a TXT record at _dmarc.{domain}: "v=DMARC1; p=none"'
    return [
        await _text(lookup, "SPF", domain, "v=spf1", spf),
        *await _dkim(services, lookup, domain),
        await _text(lookup, "DMARC", f"_dmarc.{domain}", "v=DMARC1", dmarc),
        await _return_path(lookup, services.settings.bounce_domain or domain),
        *await _reverse(lookup, await _sending_host(services, lookup)),
    ]


async def _text(lookup: Lookup, check: str, name: str, beginning: str, fix: str) -> Finding:
    records = await lookup(name, "TXT")
    if records is None:
        return warn(check, "the name server could not be asked", ASK_AGAIN)
    found = [record for record in records if record.startswith(beginning)]
    if not found:
        return fail(check, f"{name} has no {check} record", fix)
    if len(found) > 1:
        return fail(check, f"{name} has {len(found)} {check} records: receivers heed none", "leave one")
    return ok(check, found[0][:LONGEST])


async def _dkim(services: Services, lookup: Lookup, domain: str) -> list[Finding]:
    """The public half of our key; where the relay signs, only it knows the name of its own."""
    if not services.settings.dkim_key:
        return [ok("DKIM", "left to the relay; in a received mail look for dkim=pass")]
    name = f"{services.settings.dkim_selector}._domainkey.{domain}"
    records = await lookup(name, "TXT")
    if records is None:
        return [warn("DKIM", "the name server could not be asked", ASK_AGAIN)]
    keys = [record for record in records if re.search(r"\bp=[A-Za-z0-9+/ ]+", record)]
    if not keys:
        return [fail("DKIM", f"{name} holds no key", "publish the public half there: docs/deliverability.md")]
    return [ok("DKIM", f"{name} holds a key")]


async def _return_path(lookup: Lookup, domain: str) -> Finding:
    """Bounces and replies need a way back, and receivers refuse a sender that has none."""
    answers = [await lookup(domain, kind) for kind in ("MX", "A", "AAAA")]
    if any(answers):
        return ok("return path", f"{domain} receives mail")
    if None in answers:
        return warn("return path", "the name server could not be asked", ASK_AGAIN)
    return fail("return path", f"{domain} has neither MX nor A record", f"add an MX record at {domain}")


async def _sending_host(services: Services, lookup: Lookup) -> str:
    """The relay, or what stands for this machine: the domain's own mail host."""
    urls = services.settings.smtp_url.get_secret_value().split()
    host = Server.parse(urls[0]).host if urls else ""
    if host and host != "localhost" and not _is_loopback(host):
        return host
    hosts = sorted(await lookup(services.site.domain, "MX") or [])
    return hosts[0].rpartition(" ")[2].rstrip(".") if hosts else services.site.domain


async def _reverse(lookup: Lookup, host: str) -> list[Finding]:
    """Each address must have a name, and the name that address: mail from others is refused."""
    addresses = (
        [host]
        if _is_address(host)
        else [*(await lookup(host, "A") or []), *(await lookup(host, "AAAA") or [])]
    )
    return [await _called(lookup, address) for address in addresses[:4]]


async def _called(lookup: Lookup, address: str) -> Finding:
    names = await lookup(dns.reversename.from_address(address).to_text(), "PTR")
    if names is None:
        return warn("PTR", "the name server could not be asked", ASK_AGAIN)
    advice = partial(
        warn, "PTR", fix="have whoever owns the address set its name (PTR) to one that leads back"
    )
    if not names:
        return advice(f"{address} has no name")
    name = names[0].rstrip(".")
    back = await lookup(name, "AAAA" if ":" in address else "A") or []
    return ok("PTR", f"{address} is {name}") if address in back else advice(f"{address} says it is {name}")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_address(host) and ip_address(host).is_loopback
