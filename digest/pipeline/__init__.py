"""The steps of one run: fetch, plan, build messages, send. Start reading in `run.py`."""
