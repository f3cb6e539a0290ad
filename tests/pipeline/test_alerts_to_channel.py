"""Tests of alerts to the operator's channel, over a real connection."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app.services import Services, open_services
from digest.app.settings import load_settings
from digest.db import Database
from digest.models import DeliveryState
from digest.models.errors import ConfigError
from digest.pipeline.alerts import ALERT_TTL, Problem, queue_alerts, send_channel_alert
from tests.channel_server import serve_channels
from tests.factories import NOW

PROBLEM = Problem(kind="delivery", title="Mail is refused", facts=["535 no"], advice="See: digest doctor")
OTHER = replace(PROBLEM, kind="stopped", title="No digest is being sent")


def queue(store: Database, *problems: Problem, hours: float = 0) -> bool:
    with store.begin() as tx:
        return queue_alerts(tx, "", problems, now=NOW + timedelta(hours=hours), has_channel=True)


def open_alert_services(folder: Path, port: int) -> Services:
    """Return services whose alerts go to a channel of this machine."""
    settings = load_settings(
        database_url=f"sqlite:///{folder}/other.sqlite3",
        admin_channel=f"http://127.0.0.1:{port}/alerts",
        channel_networks=("127.0.0.0/8",),
    )
    return open_services(settings)


async def test_an_alert_waits_until_the_channel_takes_it_and_needs_no_mail_address(
    store: Database, tmp_path: Path
) -> None:
    with serve_channels(tmp_path) as server:
        services = open_alert_services(tmp_path, server.port)
        channel = services.admin_channel
        assert channel
        assert "alerts" not in repr(channel)
        server.answers = [503]
        assert queue(store, PROBLEM)
        assert not queue(store, PROBLEM, hours=1)
        assert not await send_channel_alert(store, channel, NOW)
        assert queue(store, PROBLEM, OTHER, hours=2)  # the newer alert takes its place

        assert await send_channel_alert(store, channel, NOW)
        assert not await send_channel_alert(store, channel, NOW)  # once

        sent = json.loads(server.heard[-1].body)
        assert len(server.heard) == 2
        assert sent["title"] == "2 problems"
        assert (
            "Mail is refused\n535 no\nWhat to do: See: digest doctor\n\nNo digest is being sent"
            in sent["message"]
        )
        services.close()
    with store.begin(write=False) as tx:
        assert tx.deliveries.count_open()[DeliveryState.QUEUED] == 0


async def test_an_alert_is_given_up_after_a_day_and_when_the_channel_is_gone(
    store: Database, tmp_path: Path
) -> None:
    with serve_channels(tmp_path) as server:
        services = open_alert_services(tmp_path, server.port)
        for answer, later in ((503, ALERT_TTL), (404, timedelta(0))):
            server.answers = [answer]
            assert queue(store, replace(PROBLEM, kind=str(answer)))
            assert not await send_channel_alert(store, services.admin_channel, NOW + later)
            assert not await send_channel_alert(store, services.admin_channel, NOW + later)
        assert len(server.heard) == 2
        services.close()


def test_a_setting_that_is_no_channel_is_refused_with_its_name(tmp_path: Path) -> None:
    settings = load_settings(database_url=f"sqlite:///{tmp_path}/x.sqlite3", admin_channel="hello")
    refused = pytest.raises(ConfigError, match="DIGEST_ADMIN_CHANNEL")
    with closing(open_services(settings)) as services, refused:
        _ = services.admin_channel
