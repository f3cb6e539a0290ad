"""Checks of setting values, as far as possible before anything is done with them."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from digest.delivery.bounces.mailbox import check_mailbox_url
from digest.delivery.smtp.transport import SmtpServerConfig
from digest.mail.branding import ADDRESS_PATTERN, parse_palettes, parse_sender
from digest.models.arxiv_categories import ARXIV_CATEGORIES, find_near_category
from digest.models.journals import find_issns
from digest.models.schedule import parse_timezone
from digest.sources.config import SOURCE_NAMES, list_source_names

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
MIN_TOKEN_CHARS = 8
_MODELS = ("auto", "none", "static", "sentences")


def _check_folder(value: Path | None) -> None:
    if value is not None and not value.is_dir():
        raise ValueError(f"there is no folder {value}")


def _check_file(value: Path | None) -> None:
    if value is not None and not value.is_file():
        raise ValueError(f"there is no file {value}")


def _match(pattern: str | re.Pattern[str], problem: str) -> Callable[[str], None]:
    """Return a check that a text, unless it is empty, has a form; *problem* is said of one that has not."""

    def check(value: str) -> None:
        if value and not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} {problem}")

    return check


def _each(check: Callable[[str], object]) -> Callable[[tuple[str, ...]], None]:
    """Return a check of every value of a list."""

    def check_all(values: tuple[str, ...]) -> None:
        for value in values:
            check(value)

    return check_all


def _check_sender(value: str) -> None:
    _, address = parse_sender(value)
    if not ADDRESS_PATTERN.fullmatch(address):
        raise ValueError(
            f"{value!r} is not an address; write digest@example.org, or Name <digest@example.org>"
        )


def _check_base_url(value: str) -> None:
    url = urlsplit(value)
    if not url.hostname or url.username is not None or url.port == 0 or re.search(r"\s", value):
        raise ValueError("is not the address of a site; write one like https://papers.example.org")
    if url.path or url.query or url.fragment:
        raise ValueError(
            "has a path, but the pages need a host name or a port of their own; write one like "
            "https://papers.example.org, and let the proxy pass all of that host to `digest serve`"
        )


def _check_token(value: Any) -> None:
    token = value.get_secret_value()
    if token and len(token) < MIN_TOKEN_CHARS:
        raise ValueError(f"has {len(token)} characters, which are easy to guess; use 32 random ones")


def _check_sources(names: tuple[str, ...]) -> None:
    # Looking for those of other packages takes time.
    known = [*SOURCE_NAMES] if {*names} <= {*SOURCE_NAMES} else list_source_names()
    for name in names:
        if name not in known:
            raise ValueError(f"there is no source {name!r}; choose among {', '.join(known)}")


def _check_category(name: str) -> None:
    if name not in ARXIV_CATEGORIES:
        near = find_near_category(name)
        hint = f" (did you mean {near}?)" if near else "; write them like cs.CL,stat.ML,hep-th"
        raise ValueError(f"{name!r} is not an arXiv category{hint}")


def _check_journal(name: str) -> None:
    if not find_issns(name):
        raise ValueError(f"the ISSN of {name!r} is not known here; write it, like 0028-0836")


def _check_network(name: str) -> None:
    try:
        ip_network(name, strict=False)
    except ValueError as error:
        raise ValueError(f"{error}; write addresses like 127.0.0.1,10.0.0.0/8") from error


def _check_mail_servers(value: Any) -> None:
    for url in value.get_secret_value().split():
        SmtpServerConfig.parse(url)


def _check_bounce_mailbox(value: Any) -> None:
    if url := value.get_secret_value():
        check_mailbox_url(url)


def _check_vectors(name: str) -> None:
    if name not in _MODELS and not Path(name).is_dir():
        raise ValueError(f"there is no model {name!r}; write {', '.join(_MODELS)} or the folder of a model")


_check_address = _match(
    ADDRESS_PATTERN, "is not a plain address; write it as digest@example.org, without a name"
)
_check_host_name = _match(_HOST_NAME, "is not a host name; write one like bounce.example.org")
_check_openalex_ids = _each(
    _match(
        r"(?:https://(?:orcid|openalex|ror)\.org/)?(?:\d{4}-\d{4}-\d{4}-\d{3}[\dX]|[AI]\d{1,12}|0[a-z0-9]{8})",
        "is not a valid id; write 0000-0002-1825-0097, 03yrm5c26, A123 or I123",
    )
)
CHECKS: Mapping[str, Callable[[Any], object]] = {
    "base_url": _check_base_url,
    "templates_dir": _check_folder,
    "timezone": parse_timezone,
    "dkim_key": _check_file,
    "from_": _check_sender,
    "notices_from": _check_address,
    "reply_to": _check_address,
    "admin_address": _check_address,
    "bounce_domain": _check_host_name,
    "dkim_selector": _check_host_name,
    "sources": _check_sources,
    "arxiv_categories": _each(_check_category),
    "feeds": _each(_match(r"(?s)https?://[^/\s].*", "is not a feed; write its URL, beginning with https://")),
    "journals": _each(_check_journal),
    "openalex_authors": _check_openalex_ids,
    "openalex_institutions": _check_openalex_ids,
    "openreview_venues": _each(
        _match(r"[\w.-]+(?:/[\w.-]+)*", "is not a venue; write it like ICLR.cc/2026/Conference")
    ),
    "trusted_proxies": _each(_check_network),
    "channel_hosts": _each(
        _match(
            rf"(?:\*\.)?{_HOST_NAME}", "is not a host name; write names like hooks.slack.com,*.zulipchat.com"
        )
    ),
    "channel_networks": _each(_check_network),
    "admin_token": _check_token,
    "viewer_token": _check_token,
    "smtp_url": _check_mail_servers,
    "bounce_mailbox": _check_bounce_mailbox,
    "vectors": _check_vectors,
    "colours": parse_palettes,
}
