"""The operator's own channel, which gets the alerts."""

from dataclasses import dataclass, field

from digest.delivery.channels.replies import classify_channel_reply
from digest.delivery.channels.transport import ChannelMessage, ChannelTransport
from digest.delivery.reply_codes import ReplyAction


@dataclass(frozen=True, slots=True)
class AdminChannel:
    """One channel, by the address that the settings name."""

    url: str = field(repr=False)  # contains its secrets
    transport: ChannelTransport

    async def send(self, title: str, text: str) -> ReplyAction:
        """Send a message in plain text, and return what the answer means."""
        message = ChannelMessage(
            raw=text.encode(errors="replace"), title=title, is_markdown=False, mail_from="", rcpt_to=self.url
        )
        return classify_channel_reply(await self.transport.deliver(message))
