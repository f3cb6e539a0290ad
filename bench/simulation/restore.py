"""Restore of a backup in the middle of the month: the database is closed, replaced and opened again."""

from bench.simulation.context import SimulationContext
from digest.db import backup as backups


def restore_backup(context: SimulationContext) -> None:
    """Back the database up, restore that backup, and let mail go out of it again, as an operator does."""
    file = context.services.store.file
    assert file is not None, "the month is simulated in a file"  # noqa: S101  narrows the type
    backup = file.with_name("month.backup")
    context.services.store.backup(backup)
    context.services.close()
    backups.restore(backup, file)
    context.open_services()
    with context.services.store.begin() as tx:
        assert tx.meta.pause_reason, "a restored database is paused"  # noqa: S101  what the month relies on
        tx.meta.resume()
    context.record.restored += 1
