"""Trending papers in your inbox once a day."""

__version__ = "0.1.0"
