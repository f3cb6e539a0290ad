"""The loopback server of the channel tests, reached as through a company's proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channel_server import ChannelServer, serve_channels


@pytest.fixture
def channel_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChannelServer]:
    with serve_channels(tmp_path) as server:
        monkeypatch.setenv("HTTPS_PROXY", server.proxy)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority))
        yield server
