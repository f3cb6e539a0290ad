"""Trending papers in your inbox once a day."""

import os

# Before numpy is loaded: its products here are small, and a second thread would mostly spin while it waits
# (a fifth of the CPU of planning, for no time gained). Set it for more threads; more workers help more.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.2.0"
