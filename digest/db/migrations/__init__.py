"""Schema migrations, one file per step under versions/, run by `digest.db.migrate`."""
