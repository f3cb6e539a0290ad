"""Local replacements for the upstream services, serving the sample papers."""
