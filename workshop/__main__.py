"""`python -m workshop`: runs every notebook against the embedded AWS and fails on any error or leftover resource."""

import argparse
import os
import sys
import time
from pathlib import Path

from localaws import process
from localaws.files import StateError
from localaws.settings import DEFAULT_STATE, client_environment, prepare
from workshop import execute, learner
from workshop.leftovers import leftovers

OUT = Path("build/notebooks")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m workshop", description=__doc__)
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="folder of the embedded AWS")
    parser.add_argument("--learner", default="notebooks", help="small letters and digits (default: notebooks)")
    options = parser.parse_args()
    try:
        aws = prepare(options.state)
        was_running = process.running(aws)
        process.start(aws)
    except StateError as error:
        print(error, file=sys.stderr)
        return 1
    os.environ.update(client_environment(aws))
    try:
        return _run(options.learner)
    finally:
        if not was_running:
            process.stop(aws)


def _run(name: str) -> int:
    begun = time.monotonic()
    somebody = learner.prepare(name)
    execute.deliver(OUT, somebody)
    try:
        execute.run(OUT, somebody)
    except execute.NotebookFailed as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        drawn = execute.pictures(OUT)
    if left := leftovers(somebody.settings):
        print("Left behind after the clean-up:", *left, sep="\n  ", file=sys.stderr)
        return 1
    count = len(list(OUT.rglob("*.ipynb")))
    print(f"{count} notebooks ran in {time.monotonic() - begun:.0f} s; they and {len(drawn)} pictures are in {OUT}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
