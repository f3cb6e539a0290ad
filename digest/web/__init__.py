"""What does a reader see before and beside the mail? The pages and the API."""
