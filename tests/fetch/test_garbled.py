"""Does a parser ever crash? Whatever is done to an answer, it is read or called changed."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import SourceError
from digest.fetch import (
    arxiv_api,
    arxiv_listing,
    arxiv_oai,
    arxiv_rss,
    biorxiv,
    feeds,
    hackernews,
    huggingface,
)
from tests.house import NOW

REPLAYS = Path(__file__).parents[1] / "replays"
PARSERS: dict[str, Callable[[bytes], object]] = {
    "arxiv_rss": lambda body: arxiv_rss.parse(body, "cs.CL", NOW),
    "arxiv_api": lambda body: arxiv_api.parse(body, "look-up", NOW),
    "arxiv_oai": lambda body: arxiv_oai.parse(body, "cs.CL", NOW),
    "arxiv_listing": lambda body: arxiv_listing.parse(body, "cs.CL", NOW),
    "huggingface": lambda body: huggingface.parse(body, "2026-11-23", NOW),
    "hackernews": lambda body: hackernews.parse(body, "stories", NOW),
    "biorxiv": lambda body: (biorxiv.parse(body, "biorxiv", NOW), biorxiv.counts_in(body)),
    "feeds": lambda body: feeds.parse(body, "journal", NOW),
}
SPLINTERS = [
    b"<", b">", b"&", b"&#0;", b"&nbsp;", b"\x00", b"\xff\xfe", b"<!-- -->", b"<?x y?>", b"<![CDATA[x]]>",
    b'"', b"{", b"]", b"null", b"-1", b"1e999", b"[[[", b"0001-01-01T00:00:00+14:00", b"9999-12-31",
    b"\xed\xa0\x80", b"\\ud800", b"$\\", b"<item>", b"</item>", b"<entry/>", b"true", b"NaN",
]  # fmt: skip
wounds = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), st.sampled_from(SPLINTERS)), max_size=4)


@pytest.mark.parametrize("name", PARSERS)
@given(wounds=wounds, data=st.data())
def test_a_garbled_answer_is_read_or_called_changed(
    name: str, wounds: list[tuple[float, int, bytes]], data: st.DataObject
) -> None:
    body = data.draw(st.sampled_from(sorted((REPLAYS / name).iterdir()))).read_bytes()
    for place, length, splinter in wounds:
        at = int(place * len(body))
        body = body[:at] + splinter + body[at + length :]
    with suppress(SourceError):
        PARSERS[name](body)


@pytest.mark.parametrize("name", PARSERS)
@given(body=st.binary(max_size=200))
def test_noise_is_called_changed(name: str, body: bytes) -> None:
    with suppress(SourceError):
        PARSERS[name](body)


@pytest.mark.parametrize("name", PARSERS)
@given(
    wounds=st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["null", "[]", "{}", '""', "7", "true"])))
)
def test_a_value_of_another_kind_is_called_changed(name: str, wounds: list[tuple[int, str]]) -> None:
    """In JSON, any value may turn into any other."""
    for file in sorted((REPLAYS / name).glob("*.json")):
        pieces = file.read_text().split(": ")
        for place, value in wounds:
            index = 1 + place % (len(pieces) - 1)
            rest = pieces[index]
            end = min((rest.find(sign) for sign in ",}]\n" if sign in rest), default=0)
            pieces[index] = value + rest[end:]
        with suppress(SourceError):
            PARSERS[name](": ".join(pieces).encode())
