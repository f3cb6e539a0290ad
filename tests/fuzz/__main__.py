"""Search, guided by coverage, for bytes that a parser stumbles over.

python -m tests.fuzz arxiv_rss --seconds 60
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris  # not among the pinned: it has no wheel for every Python

with atheris.instrument_imports(include=["digest"]):
    from tests.fuzz.targets import TARGETS, refusal, samples


def main() -> None:
    """One target or all, until the time is up or something that is not one of our errors comes out."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("target", choices=TARGETS, nargs="?")
    asked.add_argument("--seconds", type=int, default=60)
    wish = asked.parse_args()
    if wish.target:
        search(wish.target, wish.seconds)
        return
    for name in TARGETS:  # a process each: the fuzzer never comes back
        sys.stderr.write(f"== {name}\n")
        subprocess.run([sys.executable, "-m", "tests.fuzz", name, "--seconds", str(wish.seconds)], check=True)


def search(name: str, seconds: int) -> None:
    """Feed one target; the process ends in here."""
    with tempfile.TemporaryDirectory() as folder:
        for number, body in enumerate(samples(name)):
            (Path(folder) / str(number)).write_bytes(body)
        limits = [f"-max_total_time={seconds}", "-max_len=20000", "-timeout=10", "-rss_limit_mb=1000"]
        atheris.Setup([sys.argv[0], *limits, folder], lambda body: refusal(name, body) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
