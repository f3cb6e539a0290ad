"""Whatever the world sends, in part, in disorder or by malice: one clean answer or one of our own errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, refusal, samples

TOKENS = [
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!ENTITY a 'b'>", b"<!--", b"\x00", b"\xff\xfe", b"\xe2\x80",
    b"\r\n\r\n", b"--b", b'"', b"{", b"}", b"[", b"null", b"true", b'""', b"1e999", b"NaN", b"-1", b"9" * 20,
    b"javascript:alert(1)", "\u202e".encode(), b"{{7*7}}", b"\\", b"$", b"=cmd()", b"31 Feb 2026",
    b"&#0;", b"&nbsp;", b"<!-- -->", b"<?x y?>", b"<item>", b"</item>", b"<entry/>", b"]", b"[[[",
    b"0001-01-01T00:00:00+14:00", b"9999-12-31", b"\xed\xa0\x80", b"\\ud800", b"$\\",
]  # fmt: skip
REFUSALS = (b"Bad subject class", b"badArgument", b"incorrect id format", b"Invalid date")


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


@st.composite
def turned(draw: st.DrawFn, name: str) -> bytes:
    """A usual answer in JSON, in which values have become others of any kind."""
    pieces = draw(st.sampled_from(in_json(name))).decode().split(": ")
    for place in draw(st.lists(st.integers(1, len(pieces) - 1), min_size=1, max_size=6)):
        rest = pieces[place]
        end = min((rest.find(sign) for sign in ",}]\n" if sign in rest), default=0)
        pieces[place] = draw(st.sampled_from(["null", "[]", "{}", '""', "7", "true", "1e999"])) + rest[end:]
    return ": ".join(pieces).encode()


def in_json(name: str) -> list[bytes]:
    return [body for body in samples(name) if body[:1] in b"{[" and b": " in body]


def is_clean_or_told(refused: str | None) -> bool:
    """Read, and what came out is clean; or refused in one line that a log and the admin's page can show."""
    return refused is None or (refused.strip() != "" and refused.isprintable())


@pytest.mark.parametrize("name", TARGETS)
@given(chance=st.data())
def test_a_broken_answer_is_read_as_far_as_it_goes_or_refused_in_a_sentence(
    name: str, chance: st.DataObject
) -> None:
    assert is_clean_or_told(refusal(name, chance.draw(broken(name))))


@pytest.mark.parametrize("name", [name for name in TARGETS if in_json(name)])
@given(chance=st.data())
def test_a_value_of_another_kind_is_passed_over_or_refused_in_a_sentence(
    name: str, chance: st.DataObject
) -> None:
    assert is_clean_or_told(refusal(name, chance.draw(turned(name))))


@pytest.mark.parametrize("name", TARGETS)
@given(body=st.binary(max_size=300))
def test_noise_is_refused_in_a_sentence(name: str, body: bytes) -> None:
    assert is_clean_or_told(refusal(name, body))


@pytest.mark.parametrize("name", TARGETS)
def test_the_usual_answers_are_read_and_only_refusals_refused(name: str) -> None:
    for body in samples(name):
        assert (refusal(name, body) is not None) == any(word in body for word in REFUSALS)
