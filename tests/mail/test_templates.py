"""On what are mails written? On templates that escape, styles set inline, the operator's own first."""

import re
from pathlib import Path

import pytest

from digest.mail.locale import get_locale
from digest.mail.templates import CLASS, MailTemplates, Sandbox, Stylesheet
from tests.mail.examples import SITE

CSS = """/* what is
not said */
.meta { color: $ink; margin: 0 }
.note { margin: 4px; }
body { padding: 0 }
@media (max-width: 1px) { .meta { color: red } }
"""


def stationery(folder: Path, **files: str) -> MailTemplates:
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
def test_a_class_carries_what_its_rules_declare_and_one_without_rules_stays_as_it_is(
    tag: str, style: str
) -> None:
    sheet = Stylesheet(CSS, {"ink": "black"})
    assert CLASS.sub(sheet.inline, f"<p {tag}>") == f"<p {tag}{style}>"


def test_what_cannot_be_set_inline_stays_in_the_head() -> None:
    sheet = Stylesheet(CSS, {"ink": "black"})
    assert sheet.head == "body{padding:0}@media (max-width:1px){.meta{color:red}}"
    assert Stylesheet(".a { b: c }\np { d: e }", {}).head == "p{d:e}"


def test_values_are_escaped_in_html_and_left_alone_in_text(tmp_path: Path) -> None:
    ours = stationery(tmp_path, own_html="{{ x }}", own_txt="{{ x }}", own="{{ x }}")
    assert ours.render("own.html", x="<b>") == "&lt;b&gt;"
    assert ours.render("own.txt", x="<b>") == ours.render("own", x="<b>") == "<b>"


def test_styles_are_set_in_html_alone(tmp_path: Path) -> None:
    tag = '<p class="meta">'
    ours = stationery(tmp_path, own_html=tag, own_txt=tag)
    assert re.fullmatch(r'<p class="meta" style="[^"]+">', ours.render("own.html"))
    assert ours.render("own.txt") == tag


def test_blocks_leave_no_blank_lines_and_the_last_line_its_end(tmp_path: Path) -> None:
    text = "a\n  {% if true %}\nb\n  {% endif %}\nc\n"
    assert stationery(tmp_path, own_txt=text).render("own.txt") == "a\nb\nc\n"


def test_the_folder_email_of_the_operators_templates_comes_before_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "email").mkdir()
    (tmp_path / "email" / "own.txt").write_text("mail")
    assert stationery(tmp_path, own_txt="page").render("own.txt") == "mail"


def test_a_template_reaches_nothing_private_of_a_value_however_often_it_asks() -> None:
    sandbox = Sandbox()
    for _ in range(2):
        assert sandbox.from_string("{{ x.real }}").render(x=7) == "7"
        assert not sandbox.is_safe_attribute(7, "__class__", int)
        assert sandbox.is_safe_attribute("text", "upper", str.upper)
