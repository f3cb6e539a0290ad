"""Addresses of channels as people paste them."""

import pytest

from digest.delivery.channels.address import parse_channel_address
from digest.models.channels import ChannelKind
from digest.models.errors import InvalidChange

KEY = "abcdefghijklmnopqrstuvwx12"
SLACK = "hooks.slack.com/services/T0000AAAA/B0000AAAA/abcdefghijklmnopqrstuvwx"
GOOD = [
    (f" https://{SLACK}\n", ChannelKind.SLACK, "hooks.slack.com"),
    ("slack://xoxb-1234567890-1234567890-abcdefghijklmnop/#general", ChannelKind.SLACK, "slack.com"),
    ("https://discordapp.com/api/webhooks/123456789012345678/a_B-1/", ChannelKind.DISCORD, "discord.com"),
    (f"tgram://123456789:{KEY}123456789/-100123", ChannelKind.TELEGRAM, "api.telegram.org"),
    ("matrixs://user:password@m.example/#room:m.example", ChannelKind.MATRIX, "m.example"),
    (f"https://chat.example/hooks/{KEY}", ChannelKind.MATTERMOST, "chat.example"),
    (f"zulip://bot@org/{KEY}ABCDEF/papers", ChannelKind.ZULIP, "org.zulipchat.com"),
    (f"zulip://bot@lab.zulip.example/{KEY}ABCDEF/papers", ChannelKind.ZULIP, "lab.zulip.example"),
    ("https://ntfy.sh/topic", ChannelKind.NTFY, "ntfy.sh"),
    ("ntfys://push.example/topic", ChannelKind.NTFY, "push.example"),
    ("https://hook.example:8443/x?key=a&b=", ChannelKind.WEBHOOK, "hook.example"),
    ("https://127.0.0.1@hook.example/x", ChannelKind.WEBHOOK, "hook.example"),
]
BAD = [
    "",
    "papers@example.org",
    "file:///etc/passwd",
    "syslog://",
    "mailto://user:password@example.org",
    f"slack://{SLACK}",
    "slack://T0000AAAA/B0000AAAA/abcdefghijklmnopqrstuvwx?template=/etc/passwd",
    "json://hook.example/x?redirect=yes",
    "tgram://123456789/1",
    f"tgram://123456789:{KEY}123456789/-100123/-100124",  # two channels
    "https://hook.example/a b",
    "https://hook.example/ü",
    "https://",
    "http://[::1",
    f"https://hook.example/{'x' * 1000}",
]


@pytest.mark.parametrize(("text", "kind", "host"), GOOD)
def test_address_is_recognised(text: str, kind: ChannelKind, host: str) -> None:
    address = parse_channel_address(text, allowed_hosts=[host])

    assert (address.kind, address.host) == (kind, host)
    assert address.url not in repr(address)
    with pytest.raises(InvalidChange, match="DIGEST_CHANNEL_HOSTS"):
        parse_channel_address(text, allowed_hosts=["other.example"])


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidChange):
        parse_channel_address(text, allowed_hosts=["*"])
