"""Settings, logging and the `Services` container that wires everything together."""
