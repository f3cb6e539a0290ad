"""Mails as administrators see them: rendered like the real ones, with links that do nothing.

The links of a reader's mail act in the reader's name, so those of a preview are signed with a key that
nothing accepts.
"""

import secrets
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import cached_property

from digest.app.services import Services
from digest.mail.bulk_renderer import BulkRenderer
from digest.mail.links import Links
from digest.mail.renderer import Renderer
from digest.mail.tokens import Keys
from digest.models import Delivery, DeliveryKind, Edition, Email, Subscriber
from digest.models.errors import NotFound
from digest.pipeline.edition_payload import load_edition
from digest.pipeline.messages import MessageBuilder


@dataclass(frozen=True)
class MailPreviews:
    """Renders mails that were sent or will be."""

    services: Services

    def render_upcoming(self, edition: Edition) -> Email:
        """Return the mail of an edition."""
        return self._builder.render_email(edition)

    def render_sent(self, delivery: Delivery, reader: Subscriber) -> Email:
        """Return a mail as it was sent, its papers as they were then.

        Raises:
            NotFound: its content is not stored any more.

        """
        if not delivery.payload:
            raise NotFound("The content of this email is no longer stored.")
        if delivery.kind is DeliveryKind.DIGEST and delivery.day is not None:
            with self.services.store.begin(write=False) as tx:
                edition = load_edition(tx, delivery, reader)
            return self._builder.render_email(edition)
        message = self._builder.build(replace(delivery, reader=reader))
        if message is None:
            raise NotFound("The reader of this email was erased.")
        parsed = message_from_bytes(message.raw, policy=default)
        return Email(
            subject=str(parsed["subject"]), text=_get_body(parsed, "plain"), html=_get_body(parsed, "html")
        )

    @cached_property
    def _builder(self) -> MessageBuilder:
        links = Links(self.services.settings.base_url, Keys(secrets.token_bytes(32)))
        renderer = Renderer(self.services.site, links, self.services.settings.templates_dir)
        return replace(
            self.services.message_builder,
            renderer=renderer,
            bulk_renderer=BulkRenderer(renderer),
            signer=None,
        )


def _get_body(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body else ""
