"""A polite HTTP client with limits on what it accepts."""
