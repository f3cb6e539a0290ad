"""The client address behind trusted proxies, and forged X-Forwarded-For headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.web.client_ip import UNKNOWN_CLIENT, TrustedProxies

PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8::/32"])


def test_without_a_trusted_proxy_the_header_is_not_believed() -> None:
    assert TrustedProxies([]).client_ip("203.0.113.9", ["1.2.3.4"]) == "203.0.113.9"


def test_a_header_from_an_untrusted_peer_is_not_believed() -> None:
    assert PROXIES.client_ip("203.0.113.9", ["1.2.3.4"]) == "203.0.113.9"


def test_the_right_most_untrusted_hop_is_the_client() -> None:
    assert PROXIES.client_ip("10.0.0.1", ["6.6.6.6, 203.0.113.9, 10.0.0.2"]) == "203.0.113.9"


def test_several_headers_are_one_list() -> None:
    assert PROXIES.client_ip("10.0.0.1", ["6.6.6.6", "203.0.113.9"]) == "203.0.113.9"


def test_addresses_of_one_ipv6_household_count_as_one() -> None:
    households = {TrustedProxies([]).client_ip(f"2001:db9:1:2::{n}", []) for n in range(1, 9)}
    assert households == {"2001:db9:1:2::/64"}


def test_an_ipv4_address_mapped_to_ipv6_is_the_same_client() -> None:
    assert TrustedProxies([]).client_ip("::ffff:203.0.113.9", []) == "203.0.113.9"


@pytest.mark.parametrize(
    ("hop", "client"),
    [
        ("203.0.113.9:50123", "203.0.113.9"),
        (" 203.0.113.9:443 ", "203.0.113.9"),
        ("[2001:db9:1:2::3]", "2001:db9:1:2::/64"),
        ("[2001:db9:1:2::3]:443", "2001:db9:1:2::/64"),
        ('"[2001:db9:1:2::3]:443"', "2001:db9:1:2::/64"),
        ("2001:db9:1:2::3", "2001:db9:1:2::/64"),
        ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.2:8080", "203.0.113.9"),
        ("203.0.113.9, [2001:db8::7]:8080", "203.0.113.9"),
        ("203.0.113.9:1,", "203.0.113.9"),
    ],
)
def test_client_is_found_as_proxies_write_it(hop: str, client: str) -> None:
    assert PROXIES.client_ip("10.0.0.1", [hop]) == client


@given(st.text(), st.lists(st.text()))
def test_any_input_gives_a_client_and_never_fails(peer: str, forwarded: list[str]) -> None:
    assert PROXIES.client_ip(peer, forwarded)
    assert TrustedProxies([]).client_ip("not an address", forwarded) == UNKNOWN_CLIENT
