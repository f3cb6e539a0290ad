"""Links as mail programs change them: the path that is left of each is that of the link."""

import pytest
from httpx import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.tokens import Keys, Purpose
from digest.web.middleware import TOKEN_SEGMENTS, trim_token_path

TOKEN = Keys(b"a key for tests only").sign(Purpose.FEEDBACK, "Reader-1", "+arxiv:2611.00001")
BEHIND = " .,;:>)]}!?\"'»”’。，）<&\u200b\u00a0"  # what is written behind a link


@given(st.sampled_from(sorted(TOKEN_SEGMENTS)), st.text(BEHIND, max_size=5), st.text(BEHIND, max_size=3))
def test_path_of_a_link_is_found_among_what_stands_around_it(segment: str, behind: str, before: str) -> None:
    assert trim_token_path(f"/{segment}/{before.replace('.', '')}{TOKEN}{behind}") == f"/{segment}/{TOKEN}"
    assert trim_token_path(f"/{segment}/{TOKEN}{behind}/") == f"/{segment}/{TOKEN}"


@pytest.mark.parametrize("path", ["/c/T/no", "/u/T/undo", "/p/T/export", "/f/T.atom", "/f/T.json"])
def test_actions_and_kinds_behind_a_token_stay(path: str) -> None:
    whole = path.replace("T", TOKEN)
    for changed in (
        whole,
        f"{whole}.",
        f"{whole}/",
        f"{whole})",
        path.replace("T/", f"{TOKEN}./").replace("T", TOKEN),
    ):
        assert trim_token_path(changed) == whole


@pytest.mark.parametrize("path", ["/u", "/u/", "/u//", "/u/%/", "/u/../x", "/u/…"])
def test_path_without_a_token_leads_nowhere(path: str) -> None:
    assert TOKEN not in trim_token_path(path)
    assert trim_token_path(path).startswith("/u")


@pytest.mark.parametrize(
    ("length", "status"), [("none", 200), ("-1", 200), ("", 200), ("9" * 5000, 413), ("70000", 413)]
)
async def test_a_content_length_that_is_no_number_breaks_nothing(
    visitor: AsyncClient, length: str, status: int
) -> None:
    answer = await visitor.get("/healthz", headers={"Content-Length": length})
    assert answer.status_code == status
