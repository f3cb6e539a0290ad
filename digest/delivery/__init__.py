"""Sending of due messages: claim, render, hand over to a mail server, record the result."""
