"""Entry point of `python -m digest`, the same as the command `digest`."""

from digest.cli import main

if __name__ == "__main__":  # a process of its own, for a channel, imports this module too
    main()
