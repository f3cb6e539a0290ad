"""On what are mails written? Templates, the operator's own first, their styles set inline at load."""

import re
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from digest.mail.branding import Site
from digest.mail.locale import Locale
from digest.mail.text_wrap import wrapped

PACKAGE = Path(__file__).parents[1]
CLASS = re.compile(r'class="([\w -]+)"')
RULE = re.compile(r"^\.([\w-]+)\s*\{([^}]*)\}\n?", re.MULTILINE)
AT_BLOCK = re.compile(r"^@.*", re.MULTILINE | re.DOTALL)


def built_in() -> Path:
    """The folder of our own templates: inside an installed package, beside it in a checkout."""
    installed = PACKAGE / "templates"
    return installed if installed.is_dir() else PACKAGE.parent / "templates"


class Stylesheet:
    """Class rules to be set inline, and the rest (resets, media queries) that stays in <style>."""

    def __init__(self, css: str, colours: Mapping[str, str]) -> None:
        css = Template(re.sub(r"/\*.*?\*/\s*", "", css, flags=re.DOTALL)).substitute(colours)
        blocks = AT_BLOCK.search(css)
        plain = css[: blocks.start()] if blocks else css
        self.rules = {name: _tight(body) for name, body in RULE.findall(plain)}
        self.head = Markup(_tight(RULE.sub("", plain) + (blocks.group() if blocks else "")))  # noqa: S704  ours

    def inline(self, match: re.Match[str]) -> str:
        """The class attribute, followed by what its classes declare as a style attribute."""
        style = ";".join(filter(None, (self.rules.get(name, "").rstrip(";") for name in match[1].split())))
        return f'{match[0]} style="{style}"' if style else match[0]


def _tight(css: str) -> str:
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r":\s+", ":", css)).strip()


class InlineStyles(Extension):
    """Expands `class="meta"` to carry its style when a template is compiled: free for every mail."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Set the styles of one template inline."""
        del filename
        if not (name or "").endswith(".html"):
            return source
        sheet: Any = self.environment.globals["stylesheet"]
        return CLASS.sub(sheet.inline, source)


class Sandbox(ImmutableSandboxedEnvironment):
    """What may be read of a value depends on its type and the name alone, so it is asked once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """As the sandbox says."""
        asked = (type(obj), attr)
        if asked not in self._safe:
            self._safe[asked] = super().is_safe_attribute(obj, attr, value)
        return self._safe[asked]


class MailTemplates:
    """The templates in one language: strict about names, escaping in HTML, in a sandbox."""

    def __init__(self, site: Site, locale: Locale, overrides: Path | None = None) -> None:
        folders = (*([overrides / "email", overrides] if overrides else []), built_in() / "email")
        self._environment = Sandbox(
            loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
            undefined=StrictUndefined,
            autoescape=lambda name: (name or "").endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,  # templates are read once per process
            extensions=["jinja2.ext.i18n", InlineStyles],
        )
        self._environment.filters["wrap"] = wrapped
        install = self._environment.install_gettext_translations  # type: ignore[attr-defined]  # by ext.i18n
        install(locale.translations, newstyle=True)
        colours = site.light.named() | site.dark.named("dark_")
        sheet = Stylesheet(self._source("style.css"), colours)
        self._environment.globals |= {"site": site, "stylesheet": sheet, "style_head": sheet.head}

    def render(self, template: str, **context: object) -> str:
        """One template, filled."""
        return self._environment.get_template(template).render(context)

    def _source(self, name: str) -> str:
        loader = self._environment.loader
        return loader.get_source(self._environment, name)[0] if loader else ""
