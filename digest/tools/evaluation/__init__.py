"""Evaluation of the ranking: replayed days, other sites' formulas, and replays made harder."""
