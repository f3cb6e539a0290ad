"""How long does a server want us to wait? Its headers, in every form."""

from datetime import UTC, datetime

import pytest

from digest.sources.http.patience import asked_to_wait

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "10"}, 10),
        ({"retry-after": "Mon, 23 Nov 2026 09:31:00 GMT"}, 60),
        ({"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "9" * 5000}, None),
        ({"ratelimit": "r=0;t=" + "9" * 5000}, None),
        ({"ratelimit": f"r={'9' * 5000};t=1"}, None),
        ({"ratelimit": "r=0 " * 25_000}, None),  # read in no time at all
        ({"ratelimit": '"api";r=0;t=120'}, 120),
        ({"ratelimit": '"api";r=3;t=120'}, None),
        ({"retry-after": "7", "ratelimit": '"api";r=0;t=120'}, 7),
    ],
)
def test_the_wish_to_wait_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_to_wait(headers, now=NOW) == seconds
