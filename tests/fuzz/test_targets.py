"""Tests that parsers of untrusted bytes give clean values or a DigestError, on mutated samples and noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, run_target, samples

TOKENS = [
    b"<", b">", b"&", b"]]>", b"<![CDATA[", b"<!ENTITY a 'b'>", b"<!--", b"\x00", b"\xff\xfe", b"\xe2\x80",
    b"\r\n\r\n", b"--b", b'"', b"{", b"}", b"[", b"null", b"true", b'""', b"1e999", b"NaN", b"-1", b"9" * 20,
    b"javascript:alert(1)", "\u202e".encode(), b"{{7*7}}", b"\\", b"$", b"=cmd()", b"31 Feb 2026",
    b"&#0;", b"&nbsp;", b"<!-- -->", b"<?x y?>", b"<item>", b"</item>", b"<entry/>", b"]", b"[[[",
    b"0001-01-01T00:00:00+14:00", b"9999-12-31", b"\xed\xa0\x80", b"\\ud800", b"$\\",
]  # fmt: skip
ERROR_SAMPLES = (b"Bad subject class", b"badArgument", b"incorrect id format", b"Invalid date")


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """Draw a sample with pieces cut out, doubled, moved or replaced."""
    body = draw(st.sampled_from(samples(name)))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(body)))
        stop = draw(st.integers(start, min(len(body), start + 400)))
        piece = draw(st.sampled_from([b"", body[start:stop] * 2, *TOKENS]) | st.binary(max_size=8))
        body = body[:start] + piece + body[stop:]
    return body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body


@st.composite
def retyped(draw: st.DrawFn, name: str) -> bytes:
    """Draw a JSON sample with some values replaced by values of other types."""
    pieces = draw(st.sampled_from(json_samples(name))).decode().split(": ")
    for index in draw(st.lists(st.integers(1, len(pieces) - 1), min_size=1, max_size=6)):
        rest = pieces[index]
        end = min((rest.find(sign) for sign in ",}]\n" if sign in rest), default=0)
        pieces[index] = draw(st.sampled_from(["null", "[]", "{}", '""', "7", "true", "1e999"])) + rest[end:]
    return ": ".join(pieces).encode()


def json_samples(name: str) -> list[bytes]:
    return [body for body in samples(name) if body[:1] in b"{[" and b": " in body]


def is_clean_or_rejected(message: str | None) -> bool:
    """Return whether *body* was parsed, or rejected with one line that logs and admin pages can show."""
    return message is None or (message.strip() != "" and message.isprintable())


@pytest.mark.parametrize("name", TARGETS)
@given(chance=st.data())
def test_mutated_sample_is_parsed_as_far_as_possible_or_rejected(name: str, chance: st.DataObject) -> None:
    assert is_clean_or_rejected(run_target(name, chance.draw(mutated(name))))


@pytest.mark.parametrize("name", [name for name in TARGETS if json_samples(name)])
@given(chance=st.data())
def test_value_of_another_type_is_skipped_or_rejected(name: str, chance: st.DataObject) -> None:
    assert is_clean_or_rejected(run_target(name, chance.draw(retyped(name))))


@pytest.mark.parametrize("name", TARGETS)
@given(body=st.binary(max_size=300))
def test_noise_is_rejected(name: str, body: bytes) -> None:
    assert is_clean_or_rejected(run_target(name, body))


@pytest.mark.parametrize("name", TARGETS)
def test_samples_are_parsed_and_only_error_samples_rejected(name: str) -> None:
    for body in samples(name):
        assert (run_target(name, body) is not None) == any(word in body for word in ERROR_SAMPLES)
