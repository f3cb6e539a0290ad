"""The HTML templates and static files of the pages; those of the operator take precedence. Autoescaped."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from digest.mail.branding import Site
from digest.mail.locale import get_locale
from digest.mail.templates import find_templates_dir
from digest.web.languages import get_page_locale
from digest.web.middleware import SCRIPT_AND_CONNECT_POLICY, SCRIPT_POLICY

STATIC_FILES = {
    "style.css": "text/css; charset=utf-8",
    "work.js": "text/javascript; charset=utf-8",
    "opened.js": "text/javascript; charset=utf-8",
    "timezone.js": "text/javascript; charset=utf-8",
    "authors.js": "text/javascript; charset=utf-8",
    "vote.js": "text/javascript; charset=utf-8",
    "copy.js": "text/javascript; charset=utf-8",
    "favicon.svg": "image/svg+xml",
    "card.png": "image/png",
}
CONNECTING_SCRIPTS = {"opened.js", "authors.js", "vote.js"}  # those that send requests of their own
ADMIN_FOLDER = "admin/"  # its pages are in English


@pass_context
def _gettext(context: Context, message: str) -> str:
    text: str = context["locale"].gettext(message)
    return text


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    text: str = context["locale"].ngettext(one, many, number)
    return text


class PageRenderer:
    """Renders pages from the templates; *overrides* is the operator's folder."""

    def __init__(self, site: Site, overrides: Path | None = None) -> None:
        folders = [*([overrides] if overrides else []), find_templates_dir()]
        paths = {name: [folder / "web" / name for folder in folders] for name in STATIC_FILES}
        self.files = {
            name: next(path for path in found if path.is_file()).read_bytes() for name, found in paths.items()
        }
        versions = {name: blake2b(content, digest_size=6).hexdigest() for name, content in self.files.items()}
        self._templates = Environment(
            loader=FileSystemLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # templates are read once per process
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        install = self._templates.install_gettext_callables  # type: ignore[attr-defined]  # added by ext.i18n
        install(_gettext, _ngettext, newstyle=True)
        self._templates.globals.update(site=site, brand=site.brand, versions=versions)
        # Unless a page has its own.
        self._templates.globals.update(locale=get_locale("en"), here="", done="", problems=())

    def render(
        self, name: str, *, status: int = 200, problem: str = "", scripts: Sequence[str] = (), **values: Any
    ) -> Response:
        """Return the page `web/NAME.html` in the language of the request, filled in with *values*.

        A *problem* stands on top of the page, whose status is 422 then if no other is given. *scripts* are
        static files that the page loads; its content policy allows no others.
        """
        if problem:
            values["problems"], status = [problem], 422 if status == 200 else status
        locale = get_locale("en") if name.startswith(ADMIN_FOLDER) else get_page_locale()
        content = self.fill(f"{name}.html", locale=locale, scripts=scripts, **values)
        response = HTMLResponse(content, status)
        response.headers["content-language"] = locale.code
        response.headers["vary"] = "accept-language"
        if scripts:
            connects = not CONNECTING_SCRIPTS.isdisjoint(scripts)
            policy = SCRIPT_AND_CONNECT_POLICY if connects else SCRIPT_POLICY
            response.headers["content-security-policy"] = policy
        return response

    def render_message(
        self,
        title: str,
        *sentences: str | Markup,
        status: int = 200,
        links: Sequence[tuple[str, str]] = (),
    ) -> Response:
        """Return a page with some sentences and *links*, which are pairs of label and path."""
        return self.render("message", status=status, title=title, sentences=sentences, links=links)

    def fill(self, name: str, **values: Any) -> str:
        """Return the text of the template `web/NAME`, filled in with *values*; it is escaped as HTML is."""
        return self._templates.get_template(f"web/{name}").render(values)
