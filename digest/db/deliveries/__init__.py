"""The delivery queue: claims, state transitions, history, bounces and rate limits."""
