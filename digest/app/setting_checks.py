"""Does a setting make sense? What can be told of a value before anything is done with it."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from digest.delivery.smtp.transport import Server
from digest.mail.branding import ADDRESS, palettes
from digest.sources.registry import SOURCES

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)*(?:\.[A-Za-z]+(?:-[a-z]+)*)?")
_MODELS = ("auto", "none", "static", "sentences")


def _folder(value: Path | None) -> None:
    if value is not None and not value.is_dir():
        raise ValueError(f"there is no folder {value}")


def _file(value: Path | None) -> None:
    if value is not None and not value.is_file():
        raise ValueError(f"there is no file {value}")


def _address(value: str) -> None:
    if value and not ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not a plain address; write it as digest@example.org, without a name")


def _host_name(value: str) -> None:
    if value and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no name of a host; write one like bounce.example.org")


def _sources(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in SOURCES:
            raise ValueError(f"there is no source {name!r}; choose among {', '.join(SOURCES)}")


def _categories(names: tuple[str, ...]) -> None:
    for name in names:
        if not _CATEGORY.fullmatch(name):
            raise ValueError(f"{name!r} is no category of arXiv; write them like cs.CL,stat.ML,hep-th")


def _feeds(urls: tuple[str, ...]) -> None:
    for url in urls:
        if not re.match(r"https?://[^/\s]", url):
            raise ValueError(f"{url!r} is no feed; write its URL, beginning with https://")


def _networks(names: tuple[str, ...]) -> None:
    for name in names:
        try:
            ip_network(name, strict=False)
        except ValueError as error:
            raise ValueError(f"{error}; write addresses like 127.0.0.1,10.0.0.0/8") from error


def _mail_servers(value: Any) -> None:
    for url in value.get_secret_value().split():
        Server.parse(url)


def _bounce_mailbox(value: Any) -> None:
    url = value.get_secret_value()
    parts = urlsplit(url)
    is_imap = parts.scheme in ("imap", "imaps")
    is_there = parts.hostname if is_imap else parts.scheme == "maildir" and parts.path
    if url and not is_there:
        raise ValueError("write maildir:/path or imaps://user:pass@host/INBOX")


def _vectors(name: str) -> None:
    if name not in _MODELS and not Path(name).is_dir():
        raise ValueError(f"there is no model {name!r}; write {', '.join(_MODELS)} or the folder of a model")


CHECKS: Mapping[str, Callable[[Any], object]] = {
    "templates_dir": _folder,
    "dkim_key": _file,
    "from_": _address,
    "notices_from": _address,
    "reply_to": _address,
    "admin_address": _address,
    "bounce_domain": _host_name,
    "dkim_selector": _host_name,
    "sources": _sources,
    "arxiv_categories": _categories,
    "feeds": _feeds,
    "trusted_proxies": _networks,
    "smtp_url": _mail_servers,
    "bounce_mailbox": _bounce_mailbox,
    "vectors": _vectors,
    "colours": palettes,
}


def must_make_sense(name: str, value: Any) -> None:
    """Nothing, or a ValueError or ConfigError that says what is wrong with this field of Settings."""
    if check := CHECKS.get(name):
        check(value)
