"""The demo's inbox: pages that show every mail its mail server received, beside the product's own pages."""

from email.utils import parsedate_to_datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from digest.tools.demo.mail_server import MailServer, ReceivedMail
from digest.tools.demo.report import MAILS_DIR
from digest.tools.demo.templates import TEMPLATES

_STYLED_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
PAGE_POLICY = f"{_STYLED_POLICY}; img-src data:; frame-src 'self'; base-uri 'none'"
MAIL_POLICY = f"{_STYLED_POLICY}; frame-ancestors 'self'; sandbox allow-top-navigation"


def build_demo_app(pages: ASGIApp, mail_server: MailServer, folder: Path) -> Starlette:
    """Return the product's *pages* with the inbox at /inbox and the report in *folder* at /demo/."""
    inbox = _Inbox(mail_server)

    async def show_report(_: Request) -> Response:
        return FileResponse(folder / "index.html")

    return Starlette(
        routes=[
            Route("/demo", RedirectResponse("/demo/")),
            Route("/demo/", show_report),
            Mount(f"/demo/{MAILS_DIR}", StaticFiles(directory=folder / MAILS_DIR)),
            Route("/inbox", inbox.show_list),
            Route("/inbox/{number:int}", inbox.show_mail),
            Route("/inbox/{number:int}/html", inbox.show_html),
            Route("/inbox/{number:int}/{form}", inbox.show_mail),
            Mount("/", pages),
        ]
    )


class _Inbox:
    """The handlers of the inbox."""

    def __init__(self, mail_server: MailServer) -> None:
        self._received = mail_server.received
        self._template = TEMPLATES.get_template("demo_inbox.html")

    async def show_list(self, _: Request) -> Response:
        """List all mails, the newest first."""
        mails = [_describe(number, mail) for number, mail in enumerate(self._received, 1)]
        return self._render(mail=None, mails=mails[::-1], text=None)

    async def show_mail(self, request: Request) -> Response:
        """Show one mail: its HTML in a frame, its text, or its source."""
        number, received = self._find(request)
        form = request.path_params.get("form")
        if form not in (None, "text", "source"):
            raise HTTPException(404)
        text = None
        if form == "source":
            text = received.raw.decode("ascii", "replace")
        elif form == "text":
            text = received.get_body("plain")
        return self._render(mail=_describe(number, received), mails=(), text=text)

    async def show_html(self, request: Request) -> Response:
        """Send the HTML of one mail; its links open in the whole window."""
        _, received = self._find(request)
        html = received.get_body("html").replace("<head>", '<head>\n<base target="_top">', 1)
        return HTMLResponse(html, headers={"content-security-policy": MAIL_POLICY})

    def _find(self, request: Request) -> tuple[int, ReceivedMail]:
        number = request.path_params["number"]
        if not 1 <= number <= len(self._received):
            raise HTTPException(404)
        return number, self._received[number - 1]

    def _render(self, **context: object) -> Response:
        headers = {"content-security-policy": PAGE_POLICY}
        return HTMLResponse(self._template.render(context), headers=headers)


def _describe(number: int, received: ReceivedMail) -> dict[str, object]:
    """Return a received mail as the pages show it; numbers begin at 1."""
    message = received.parse()
    return {
        "number": number,
        "subject": str(message["Subject"]),
        "sender": str(message["From"]),
        "to": ", ".join(received.rcpt_to),
        "sent_at": f"{parsedate_to_datetime(str(message['Date'])):%a %d %b, %H:%M}",
    }
