"""Addresses of channels: what people paste, checked and brought into the form that apprise reads.

Only the services of `ChannelKind` are known, though apprise knows 140, and no options: they would make it
read files, follow redirects or leave certificates unchecked.
"""

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from digest.delivery.channels.connection_guard import is_allowed_host
from digest.models.channels import ChannelAddress, ChannelKind
from digest.models.errors import ConfigError, InvalidChange

MAX_ADDRESS_CHARS = 1000
SCHEMES = {
    "slack": ChannelKind.SLACK,
    "discord": ChannelKind.DISCORD,
    "tgram": ChannelKind.TELEGRAM,
    "matrix": ChannelKind.MATRIX,
    "matrixs": ChannelKind.MATRIX,
    "mmost": ChannelKind.MATTERMOST,
    "mmosts": ChannelKind.MATTERMOST,
    "zulip": ChannelKind.ZULIP,
    "ntfy": ChannelKind.NTFY,
    "ntfys": ChannelKind.NTFY,
    "json": ChannelKind.WEBHOOK,
    "jsons": ChannelKind.WEBHOOK,
}
# Discord then shows links without a preview of each page, and Mattermost the title as a heading.
_OPTIONS = dict.fromkeys(("discord", "mmost", "mmosts"), "?format=markdown")
_FIXED_HOSTS = {ChannelKind.DISCORD: "discord.com", ChannelKind.TELEGRAM: "api.telegram.org"}
_NATIVE = (
    (re.compile(r"https://hooks\.slack\.com/services/([\w-]+)/([\w-]+)/([\w-]+)/?"), r"slack://\1/\2/\3"),
    (re.compile(r"https://discord(?:app)?\.com/api/webhooks/(\d+)/([\w-]+)/?"), r"discord://\1/\2"),
    (re.compile(r"https://ntfy\.sh/([\w-]+)/?"), r"ntfys://ntfy.sh/\1"),
    (re.compile(r"(http)(s?)://([^/?#\s]+)/hooks/([a-z0-9]{26})/?"), r"mmost\2://\3/\4"),
)


def parse_channel_address(text: str, *, allowed_hosts: Sequence[str]) -> ChannelAddress:
    """Parse what a person pasted: a service's own webhook, an address as apprise writes it, or any https URL.

    Raises:
        InvalidChange: it is no such address, or its host is not one of *allowed_hosts*.
        ConfigError: apprise is not installed.
    """
    url = _to_apprise_url(text.strip())
    try:
        kind = SCHEMES.get(urlsplit(url).scheme)
        service = load_service(url) if kind else None
    except ValueError as error:  # `http://[`
        raise _not_an_address() from error
    if kind is None or service is None:
        raise _not_an_address()
    if len(service) > 1:  # after a failure of the second the first would get the message again
        raise InvalidChange("Enter one address for each channel.")
    host = _find_host(kind, service)
    if not is_allowed_host(host, allowed_hosts):
        raise InvalidChange(
            "Messages to %(host)s are not allowed here."
            " The administrator can add it to DIGEST_CHANNEL_HOSTS.",
            host=host,
        )
    return ChannelAddress(kind, host, url)


def load_service(url: str) -> Any:
    """Return apprise's service for an address of ours; None if it cannot read the address."""
    try:
        from apprise import Apprise, AppriseAsset  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ConfigError(
            "Channels need an extra: pip install 'trending-papers-digest[channels]'."
        ) from error
    _silence_apprise()
    asset = AppriseAsset(async_mode=False, http_redirects=False, image_url_mask="", image_url_logo="")
    return Apprise.instantiate(url, asset=asset)


def _not_an_address() -> InvalidChange:
    return InvalidChange(
        "This is not the address of a channel. Paste the webhook that Slack, Discord or Mattermost shows you,"
        " or write it as in the help, such as tgram://BOT-TOKEN/CHAT."
    )


@lru_cache(maxsize=1)
def _silence_apprise() -> None:
    """Keep what apprise logs out of our log: it may name secrets. The transport reads it."""
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def _to_apprise_url(text: str) -> str:
    """Return the address as apprise writes it, with no options but ours. Raises InvalidChange."""
    if len(text) > MAX_ADDRESS_CHARS or not re.fullmatch(r"[!-~]+", text):
        raise _not_an_address()
    for pattern, template in _NATIVE:
        if match := pattern.fullmatch(text):
            native = match.expand(template)
            return f"{native}{_OPTIONS.get(native.partition('://')[0], '')}"
    scheme, _, rest = text.partition("://")
    is_webhook = scheme in ("http", "https")
    address, _, query = rest.partition("?")
    if is_webhook:
        # A query belongs to the webhook; apprise takes it with a minus before each name.
        pairs = [(f"-{name}", value) for name, value in parse_qsl(query, keep_blank_values=True)]
        address = address.partition("#")[0]
        return f"{'jsons' if scheme == 'https' else 'json'}://{address}" + (
            f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
        )
    if query:
        raise InvalidChange("Leave out the question mark and everything after it: options are not supported.")
    return f"{scheme.lower()}://{address}{_OPTIONS.get(scheme.lower(), '')}"


def _find_host(kind: ChannelKind, service: Any) -> str:
    """Return the host that messages of this service go to."""
    if kind is ChannelKind.SLACK:
        return "hooks.slack.com" if str(service.mode) == "hook" else "slack.com"
    if kind is ChannelKind.ZULIP:
        return f"{service.organization}.{service.hostname}".lower()
    if kind is ChannelKind.NTFY and str(service.mode) == "cloud":
        return "ntfy.sh"
    return _FIXED_HOSTS.get(kind) or str(service.host).lower()
