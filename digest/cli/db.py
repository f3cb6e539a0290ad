"""`digest db`: migrate, check, back up, restore and resume the database."""

from datetime import UTC, datetime
from pathlib import Path

import click

from digest.app.settings import load_settings
from digest.app.suppression_key import accept_suppression_key
from digest.cli.common import INPUT_FILE, confirm, get_actor_name, open_services
from digest.db import Database
from digest.db import backup as backups
from digest.db.file_lock import lock_sender
from digest.models.errors import StoreError


@click.group("db", epilog="Example: digest db backup backup.sqlite3")
def command() -> None:
    """Migrate, check, back up and restore the database."""


@command.command("migrate", epilog="Example: digest db migrate")
def migrate() -> None:
    """Migrate the tables to this version. SQLite is migrated automatically, after a backup."""
    store = Database.migrate(load_settings().database_url)
    try:
        click.echo(f"The database is at version {store.get_version()}.")
    finally:
        store.close()


@command.command("check", epilog="Example: digest db check")
def check() -> None:
    """Check every row, and that the tables are those this program needs; exit code 1 if not."""
    with open_services() as services:
        if damage := services.store.list_damage():
            raise StoreError(
                f"The database is damaged: {'; '.join(damage)}. Keep a copy of the file, then put back a "
                "backup with `digest db restore FILE`."
            )
        differences = services.store.list_schema_differences()
        if differences:
            raise StoreError("The tables differ: " + "; ".join(differences))
        click.echo(f"The database is sound and at version {services.store.get_version()}.")


@command.command(
    "backup",
    epilog="Examples: digest db backup copy.sqlite3   digest db backup --keep 14 /var/backups",
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="PATH is a folder: add a verified backup named for the time, and remove all but the newest N.",
)
def backup(path: Path, *, force: bool, keep: int | None) -> None:
    """Copy a running SQLite database. PostgreSQL: use pg_dump, see docs/operate.md."""
    if not keep and path.is_dir():
        raise click.UsageError(f"{path} is a folder. Name a file, or say how many backups to keep: --keep 14")
    with open_services() as services:
        if keep:
            path = services.store.backup_into(path, keep=keep, now=datetime.now(UTC))
        else:
            services.store.backup(path, replaces=force)
    click.echo(f"Backed up to {path}; keep the .key file beside the database safe as well.")


@command.command("verify", epilog="Example: digest db verify backup.sqlite3")
@click.argument("path", type=INPUT_FILE)
def verify(path: Path) -> None:
    """Restore a backup into a temporary file and check it; nothing else is changed."""
    count = Database.verify_backup(path)
    click.echo(f"{path} can be restored. It holds {count} subscribers.")


@command.command("restore", epilog="Example: digest db restore backup.sqlite3")
@click.argument("path", type=INPUT_FILE)
@click.option("--yes", is_flag=True, help="Replace the current database without asking.")
def restore(path: Path, *, yes: bool) -> None:
    """Replace the SQLite database with a backup. It starts paused, so that nobody gets an email twice."""
    file = Database.find_file(load_settings().database_url)
    if file is None:
        raise StoreError("Only SQLite is restored by this command; for PostgreSQL use pg_restore.")
    if not yes:
        confirm(f"Replace {file} by {path}?")
    with lock_sender(file):
        backups.restore(path, file)
    with open_services() as services, services.store.begin(write=False) as tx:
        click.echo(f"Restored. {tx.meta.pause_reason or 'Not paused.'}")


@command.command("resume", epilog="Example: digest db resume")
@click.option(
    "--new-key",
    is_flag=True,
    help="The old secret key is lost: addresses that were suppressed under it can get email again.",
)
def resume(*, new_key: bool) -> None:
    """Resume sending from a restored database, once you have checked it."""
    with open_services() as services:
        if new_key:
            accept_suppression_key(services.store, services.signing_keys[-1])
        with services.store.begin() as tx:
            tx.meta.resume()
            what = "accept-new-key" if new_key else "resume-sending"
            tx.audit.write(get_actor_name(), what, "", at=datetime.now(UTC))
    click.echo("The next run sends email again.")
