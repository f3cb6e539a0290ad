"""What does a reader see before and beside the mail? Pages that work without JavaScript."""
