"""One day of the product: ingest, plan, build messages, send."""
