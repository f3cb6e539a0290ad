"""Titles, abstracts and names as plain Unicode text."""
