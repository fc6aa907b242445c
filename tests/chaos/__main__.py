"""`python -m tests.chaos`: the attack, part by part; exits with 1 where something was lost, or someone got in."""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from localaws import process
from localaws.settings import client_environment, prepare
from tests.chaos import blows, fuzz, watch
from tests.chaos.shop import open_shop
from tests.conftest import free_port


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    fuzzing = parts.add_parser("fuzz", help="random requests to all operations of all services")
    fuzzing.add_argument("--seed", type=int, default=0)
    fuzzing.add_argument("--requests", type=int, default=20_000)
    fuzzing.add_argument("--first", type=int, default=0, help="number of the first request")
    fuzzing.add_argument("--services", nargs="*", default=[*fuzz.OURS, *fuzz.OTHERS])
    pipelines = parts.add_parser("pipelines", help="blows at the deployed pipelines, in each of their states")
    pipelines.add_argument("--seed", type=int, default=0)
    pipelines.add_argument("--blows", type=int, help="how many of all, by the seed (default: all, and the storm)")
    pipelines.add_argument("--pipeline", choices=sorted(blows.STATES), default="forecasting")
    pipelines.add_argument("--only", default="", help="blows whose names begin so")
    options = parser.parse_args()
    return _fuzz(options) if options.part == "fuzz" else _pipelines(options)


def _pipelines(options: argparse.Namespace) -> int:
    begun, rng, result = time.monotonic(), random.Random(options.seed), blows.Result()
    shop = open_shop(Path(tempfile.mkdtemp(prefix="chaos-")), options.pipeline)
    try:
        queue = shop.mailbox()
        before = watch.of_server(shop.settings)
        for name, blow, state in blows.plan(options.pipeline, rng, options.blows):
            if name.startswith(options.only):
                blows.strike(shop, queue, name, blow, state, rng, result)
                print(f"{time.monotonic() - begun:6.0f} s  {name} in {state}: {result.findings[-1:]}", flush=True)
        after = watch.of_server(shop.settings)
    finally:
        process.stop(shop.settings)
    report = {
        "pipeline": options.pipeline,
        "survived": dict(sorted(result.survived.items())),
        "blows": sum(result.survived.values()),
        "came too late": dict(result.unseen),
        "uploads": result.uploads,
        "restarts": shop.restarts,
        "lost": result.lost,
        "findings": result.findings,
        "memory in MB": [before.megabytes, after.megabytes],
        "file descriptors": [before.descriptors, after.descriptors],
        "seconds": round(time.monotonic() - begun),
    }
    print(json.dumps(report, indent=1))
    return 1 if result.lost or result.findings else 0


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
