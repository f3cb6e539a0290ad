"""What may a program of the operator do? Subscribers as JSON, by bearer token."""
