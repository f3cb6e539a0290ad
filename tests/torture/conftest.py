"""The long form runs only when it is asked for: `make torture`, or `-m long`."""

import pytest

KILLS = 500


def pytest_addoption(parser: pytest.Parser) -> None:
    """How often the long form kills: `make torture ARGS=--kills=60` for a quick look."""
    parser.addoption("--kills", type=int, default=KILLS, help="kills of each torture of the long form")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """As often as was asked for."""
    return int(request.config.getoption("--kills", default=KILLS))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless the marker expression names them."""
    if "long" in config.option.markexpr:
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
