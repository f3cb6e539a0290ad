"""Papers, their aliases, signals and history, and full-text search."""
