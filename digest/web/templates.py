"""The HTML templates and static files of the pages; those of the operator take precedence. Autoescaped."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from digest.mail.branding import Site
from digest.mail.locale import Locale, get_locale
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


class CompiledTemplates(BytecodeCache):
    """The code of compiled templates, which is the same in every language."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}  # by name and file

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket, unless it was compiled from another source."""
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of the bucket."""
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = CompiledTemplates()


class PageRenderer:
    """Renders pages from the templates; *overrides* is the operator's folder."""

    def __init__(self, site: Site, overrides: Path | None = None) -> None:
        self._site = site
        self._dirs = [*([overrides] if overrides else []), find_templates_dir()]
        self._environments: dict[str, Environment] = {}
        paths = {name: [folder / "web" / name for folder in self._dirs] for name in STATIC_FILES}
        self.files = {
            name: next(path for path in found if path.is_file()).read_bytes() for name, found in paths.items()
        }
        self._versions = {
            name: blake2b(content, digest_size=6).hexdigest() for name, content in self.files.items()
        }

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
        template = self._get_environment(locale).get_template(f"web/{name}.html")
        response = HTMLResponse(template.render({"scripts": scripts, **values}), status)
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
        return self._get_environment(get_page_locale()).get_template(f"web/{name}").render(values)

    def _get_environment(self, locale: Locale) -> Environment:
        """Return the templates in one language."""
        if locale.code not in self._environments:
            environment = Environment(
                loader=ChoiceLoader([FileSystemLoader(folder) for folder in self._dirs]),
                autoescape=True,
                undefined=StrictUndefined,
                auto_reload=False,  # templates are read once per process
                bytecode_cache=_COMPILED,
                trim_blocks=True,
                lstrip_blocks=True,
                extensions=["jinja2.ext.i18n"],
            )
            install = environment.install_gettext_translations  # type: ignore[attr-defined]  # added by ext.i18n
            install(locale.translations, newstyle=True)
            environment.globals.update(
                site=self._site, brand=self._site.brand, locale=locale, versions=self._versions
            )
            environment.globals.update(here="", done="", problems=())  # unless a page has its own
            self._environments[locale.code] = environment
        return self._environments[locale.code]
