"""The public pages, one module per page."""
