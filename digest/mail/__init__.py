"""What does the reader see? Picks become an edition, an email, and at last bytes."""
