"""Whom do we believe about a visitor's address?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.models.errors import ConfigError
from digest.web.client_ip import UNKNOWN, Proxies

OURS = Proxies(["10.0.0.0/8", "2001:db8::/32"])


def test_without_a_trusted_proxy_the_header_is_not_believed() -> None:
    assert Proxies([]).visitor("203.0.113.9", ["1.2.3.4"]) == "203.0.113.9"


def test_a_stranger_cannot_speak_for_others() -> None:
    assert OURS.visitor("203.0.113.9", ["1.2.3.4"]) == "203.0.113.9"


def test_the_right_most_hop_that_is_not_ours_is_the_visitor() -> None:
    assert OURS.visitor("10.0.0.1", ["6.6.6.6, 203.0.113.9, 10.0.0.2"]) == "203.0.113.9"


def test_several_headers_are_one_list() -> None:
    assert OURS.visitor("10.0.0.1", ["6.6.6.6", "203.0.113.9"]) == "203.0.113.9"


def test_addresses_of_one_ipv6_household_count_as_one() -> None:
    households = {Proxies([]).visitor(f"2001:db9:1:2::{n}", []) for n in range(1, 9)}
    assert households == {"2001:db9:1:2::/64"}


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_visitor() -> None:
    assert Proxies([]).visitor("::ffff:203.0.113.9", []) == "203.0.113.9"


def test_a_proxy_that_is_no_address_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigError, match="DIGEST_TRUSTED_PROXIES"):
        Proxies(["the-load-balancer"])


@given(st.text(), st.lists(st.text()))
def test_nonsense_names_nobody_but_never_fails(peer: str, forwarded: list[str]) -> None:
    assert OURS.visitor(peer, forwarded)
    assert Proxies([]).visitor("not an address", forwarded) == UNKNOWN
