"""Entry point of `python -m digest`, the same as the command `digest`."""

from digest.cli import main

main()
