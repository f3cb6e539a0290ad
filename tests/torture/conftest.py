"""The long tests run only with `make torture` or `-m long`."""

import pytest

KILLS = 500


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --kills: `make torture ARGS=--kills=60` for a quick look."""
    parser.addoption("--kills", type=int, default=KILLS, help="kills in each long torture test")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """The number of kills of a long test."""
    return int(request.config.getoption("--kills", default=KILLS))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the long tests unless the marker expression names them."""
    if "long" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
