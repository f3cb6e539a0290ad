"""What is new out there? The outside world, read politely: one file per source."""
