"""The option that writes the examples of the API's reference anew."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption(
        "--update-examples", action="store_true", help="keep the answers as they are now in examples.json"
    )
