"""Simulation of a month with the product: thirty days and fifty readers, through the real pipeline.

    python -m bench.simulation            thirty real days of March 2026; needs the replay (DIGEST_REPLAY)
    python -m bench.simulation --quick    seven invented days and ten readers, in seconds, from the sample

Exits with 1 when a guarantee is broken. `--publish` rewrites docs/simulation.md and its pictures.
"""
