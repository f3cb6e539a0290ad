"""Coverage-guided fuzzing of the parsers, with atheris.

python -m tests.fuzz arxiv_rss --seconds 60
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris  # not among the pinned requirements: it has no wheel for every Python

with atheris.instrument_imports(include=["digest"]):
    from tests.fuzz.targets import TARGETS, run_target, samples


def main() -> None:
    """Fuzz one target or all, until the time is up or a target fails with anything but a DigestError."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=TARGETS, nargs="?")
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    if args.target:
        fuzz(args.target, args.seconds)
        return
    for name in TARGETS:  # a process each: the fuzzer never returns
        sys.stderr.write(f"== {name}\n")
        subprocess.run([sys.executable, "-m", "tests.fuzz", name, "--seconds", str(args.seconds)], check=True)


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one target; the process ends here."""
    with tempfile.TemporaryDirectory() as folder:
        for number, body in enumerate(samples(name)):
            (Path(folder) / str(number)).write_bytes(body)
        limits = [f"-max_total_time={seconds}", "-max_len=20000", "-timeout=10", "-rss_limit_mb=1000"]
        atheris.Setup([sys.argv[0], *limits, folder], lambda body: run_target(name, body) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
