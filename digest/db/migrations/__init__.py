"""How did the tables come to be? One file per step under versions/, run by `digest.db.migrate`."""
