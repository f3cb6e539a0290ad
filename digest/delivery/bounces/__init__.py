"""Bounce and complaint reports: reading, parsing and matching them to a delivery."""
