"""The JSON API for subscribers, by bearer token."""
