"""Whatever the world sends, in part, in disorder or by malice: one clean answer or one of our own errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, samples, try_out

TOKENS = [
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!ENTITY a 'b'>", b"<!--", b"\x00", b"\xff\xfe", b"\xe2\x80",
    b"\r\n\r\n", b"--b", b'"', b"{", b"}", b"[", b"null", b"true", b'""', b"1e999", b"NaN", b"-1", b"9" * 20,
    b"javascript:alert(1)", "\u202e".encode(), b"{{7*7}}", b"\\", b"$", b"=cmd()", b"31 Feb 2026",
]  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, name: str) -> bytes:
    """A usual answer with pieces cut out, doubled, moved or replaced."""
    body = draw(st.sampled_from(samples(name)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(body)))
        stop = draw(st.integers(start, min(len(body), start + 400)))
        put = draw(st.sampled_from([b"", body[start:stop] * 2, *TOKENS]) | st.binary(max_size=8))
        body = body[:start] + put + body[stop:]
    return body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body


@pytest.mark.parametrize("name", TARGETS)
@given(chance=st.data())
def test_a_broken_answer_is_read_as_far_as_it_goes_or_refused_in_a_sentence(
    name: str, chance: st.DataObject
) -> None:
    try_out(name, chance.draw(broken(name)))


@pytest.mark.parametrize("name", TARGETS)
@given(body=st.binary(max_size=300))
def test_noise_is_refused_in_a_sentence(name: str, body: bytes) -> None:
    try_out(name, body)


@pytest.mark.parametrize("name", TARGETS)
def test_the_usual_answers_are_read(name: str) -> None:
    for body in samples(name):
        try_out(name, body)
