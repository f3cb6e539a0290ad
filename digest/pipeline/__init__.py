"""The steps of one run: fetch, plan, build messages, send. `digest/app/run.py` calls them in order."""
