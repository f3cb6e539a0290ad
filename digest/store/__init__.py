"""What do we remember? The only room that knows SQL."""
