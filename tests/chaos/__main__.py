"""`python -m tests.chaos`: the attack, part by part; exits with 1 where something was lost, or someone got in."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from localaws import process
from localaws.settings import client_environment, prepare
from tests.chaos import fuzz, watch
from tests.conftest import free_port


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    fuzzing = parts.add_parser("fuzz", help="random requests to all operations of all services")
    fuzzing.add_argument("--seed", type=int, default=0)
    fuzzing.add_argument("--requests", type=int, default=20_000)
    fuzzing.add_argument("--first", type=int, default=0, help="number of the first request")
    fuzzing.add_argument("--services", nargs="*", default=[*fuzz.OURS, *fuzz.OTHERS])
    options = parser.parse_args()
    return _fuzz(options)


def _fuzz(options: argparse.Namespace) -> int:
    settings = prepare(Path(tempfile.mkdtemp(prefix="chaos-")), free_port())
    process.start(settings)
    os.environ.update(client_environment(settings))
    begun = time.monotonic()
    try:
        known = fuzz.resources(settings)
        before = watch.of_server(settings)
        outcome = fuzz.fuzz(
            settings,
            seed=options.seed,
            requests=options.requests,
            first=options.first,
            services=options.services,
            known=known,
        )
        after = watch.of_server(settings)
    finally:
        process.stop(settings)
    for name, findings in sorted(fuzz.grouped(outcome.findings).items()):
        print(f"{len(findings)} x {name}\n  {findings[0]}")
    report = {
        "operations": outcome.operations,
        "sent": outcome.sent,
        "answers": dict(sorted(outcome.answers.items())),
        "findings": len(outcome.findings),
        "memory in MB": [before.megabytes, after.megabytes],
        "file descriptors": [before.descriptors, after.descriptors],
        "seconds": round(time.monotonic() - begun),
    }
    print(json.dumps(report))
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
