"""How is a month with the product? Thirty days and fifty readers, lived through by the real thing.

    python -m bench.simulation            thirty real days of March 2026; needs the replay (DIGEST_REPLAY)
    python -m bench.simulation --quick    seven invented days and ten readers, in seconds, from the sample

Exits with 1 when a promise is broken. `--publish` rewrites docs/simulation.md and its pictures.
"""
