"""Settings, logging and `Services`, the container that builds everything from the settings."""
