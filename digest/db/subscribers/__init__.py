"""Subscribers, suppressions and what each subscriber was sent."""
