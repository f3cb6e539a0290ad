"""Settings, logging, `Services`, the container that builds everything from the settings, and `run`."""
