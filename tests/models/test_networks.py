"""Which addresses are public."""

import pytest

from digest.models.networks import is_public_address

PUBLIC = ["8.8.8.8", "2606:4700::1111"]
PRIVATE = [
    "127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "::1",
    "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "4000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address(address: str) -> None:
    assert is_public_address(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_in_any_disguise(address: str) -> None:
    assert not is_public_address(address)
