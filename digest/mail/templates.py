"""Jinja templates of the mails: the operator's folder is searched first, and styles are inlined at load."""

import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from string import Template
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from digest.mail.branding import Site
from digest.mail.locale import Locale
from digest.mail.text_wrap import wrap_text

PACKAGE = Path(__file__).parents[1]
CLASS_ATTRIBUTE = re.compile(r'class="([\w -]+)"')
RULE = re.compile(r"^\.([\w-]+)\s*\{([^}]*)\}\n?", re.MULTILINE)
AT_BLOCK = re.compile(r"^@.*", re.MULTILINE | re.DOTALL)


def find_templates_dir() -> Path:
    """Return the folder of the built-in templates: in the installed package, or beside it in a checkout."""
    installed = PACKAGE / "templates"
    return installed if installed.is_dir() else PACKAGE.parent / "templates"


class Stylesheet:
    """Class rules that are inlined, and the rest (resets, media queries) that stays in <style>."""

    def __init__(self, css: str, colours: Mapping[str, str]) -> None:
        css = Template(re.sub(r"/\*.*?\*/\s*", "", css, flags=re.DOTALL)).substitute(colours)
        blocks = AT_BLOCK.search(css)
        plain = css[: blocks.start()] if blocks else css
        self.rules = {name: _minify(body) for name, body in RULE.findall(plain)}
        self.head = Markup(_minify(RULE.sub("", plain) + (blocks.group() if blocks else "")))  # noqa: S704  from the template folder

    def inline(self, match: re.Match[str]) -> str:
        """Return a matched class attribute followed by a style attribute with the rules of its classes."""
        style = ";".join(filter(None, (self.rules.get(name, "").rstrip(";") for name in match[1].split())))
        return f'{match[0]} style="{style}"' if style else match[0]


def _minify(css: str) -> str:
    return re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r":\s+", ":", css)).strip()


class InlineStyles(Extension):
    """Jinja extension that adds style attributes when a template is compiled, at no cost per mail."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source with inlined styles if it is HTML."""
        del filename
        if not (name or "").endswith(".html"):
            return source
        sheet: Any = self.environment.globals["stylesheet"]
        return CLASS_ATTRIBUTE.sub(sheet.inline, source)


class Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox that is quick: for each mail it is asked for the same attributes and the same globals."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._safe: dict[tuple[type, str], bool] = {}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template, in one mapping: each rendering reads them all."""
        return {**self.globals, **(d or {})}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether the sandbox allows the attribute; that depends on the type and the name alone."""
        key = (type(obj), attr)
        if key not in self._safe:
            self._safe[key] = super().is_safe_attribute(obj, attr, value)
        return self._safe[key]


class MailTemplates:
    """The templates in one language, in a sandbox: undefined names are errors, and HTML is escaped."""

    def __init__(self, site: Site, locale: Locale, overrides: Path | None = None) -> None:
        folders = (*([overrides / "email", overrides] if overrides else []), find_templates_dir() / "email")
        loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
        self._environment = Sandbox(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=lambda name: (name or "").endswith(".html"),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            auto_reload=False,  # templates are read once per process
            extensions=["jinja2.ext.i18n", InlineStyles],
        )
        self._environment.filters["wrap"] = wrap_text
        install = self._environment.install_gettext_translations  # type: ignore[attr-defined]  # added by ext.i18n
        install(locale.translations, newstyle=True)
        colours = site.light.as_dict() | site.dark.as_dict("dark_")
        css, _, _ = loader.get_source(self._environment, "style.css")
        sheet = Stylesheet(css, colours)
        self._environment.globals |= {"site": site, "stylesheet": sheet, "style_head": sheet.head}

    def render(self, template: str, **context: object) -> str:
        """Render one template."""
        return self._environment.get_template(template).render(context)
