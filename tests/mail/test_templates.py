"""Mail templates: escaping, inlined styles, the operator's folder first."""

import re
from pathlib import Path

import pytest

from digest.mail.locale import get_locale
from digest.mail.templates import CLASS_ATTRIBUTE, MailTemplates, Sandbox, Stylesheet
from tests.mail.examples import SITE

CSS = """/* what is
not said */
.meta { color: $ink; margin: 0 }
.note { margin: 4px; }
body { padding: 0 }
@media (max-width: 1px) { .meta { color: red } }
"""


def make_templates(folder: Path, **files: str) -> MailTemplates:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return MailTemplates(SITE, get_locale("en"), folder)


@pytest.mark.parametrize(
    ("tag", "style"),
    [
        ('class="meta"', ' style="color:black;margin:0"'),
        ('class="meta note"', ' style="color:black;margin:0;margin:4px"'),
        ('class="note other"', ' style="margin:4px"'),
        ('class="other"', ""),
    ],
)
def test_class_gets_the_styles_of_its_rules(tag: str, style: str) -> None:
    sheet = Stylesheet(CSS, {"ink": "black"})
    assert CLASS_ATTRIBUTE.sub(sheet.inline, f"<p {tag}>") == f"<p {tag}{style}>"


def test_what_cannot_be_inlined_stays_in_the_head() -> None:
    sheet = Stylesheet(CSS, {"ink": "black"})
    assert sheet.head == "body{padding:0}@media (max-width:1px){.meta{color:red}}"
    assert Stylesheet(".a { b: c }\np { d: e }", {}).head == "p{d:e}"


def test_values_are_escaped_in_html_and_left_alone_in_text(tmp_path: Path) -> None:
    templates = make_templates(tmp_path, own_html="{{ x }}", own_txt="{{ x }}", own="{{ x }}")
    assert templates.render("own.html", x="<b>") == "&lt;b&gt;"
    assert templates.render("own.txt", x="<b>") == templates.render("own", x="<b>") == "<b>"


def test_styles_are_inlined_in_html_only(tmp_path: Path) -> None:
    tag = '<p class="meta">'
    templates = make_templates(tmp_path, own_html=tag, own_txt=tag)
    assert re.fullmatch(r'<p class="meta" style="[^"]+">', templates.render("own.html"))
    assert templates.render("own.txt") == tag


def test_blocks_leave_no_blank_lines_and_keep_the_final_newline(tmp_path: Path) -> None:
    text = "a\n  {% if true %}\nb\n  {% endif %}\nc\n"
    assert make_templates(tmp_path, own_txt=text).render("own.txt") == "a\nb\nc\n"


def test_operators_email_folder_is_searched_before_its_parent(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "own.txt").write_text("mail")
    assert make_templates(tmp_path, own_txt="page").render("own.txt") == "mail"


def test_sandbox_refuses_private_attributes_every_time() -> None:
    sandbox = Sandbox()
    for _ in range(2):
        assert sandbox.from_string("{{ x.real }}").render(x=7) == "7"
        assert not sandbox.is_safe_attribute(7, "__class__", int)
        assert sandbox.is_safe_attribute("text", "upper", str.upper)
