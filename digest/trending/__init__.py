"""From votes to heat: forecasts, baselines, priors and how they are fitted."""
