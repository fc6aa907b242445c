"""`python -m tests.faults`: the scenes and many random stories of faults over a small forecasting pipeline.

python -m tests.faults --stories 2000            # 2,000 stories, from seed 0
python -m tests.faults --first 1234 --stories 1  # one of them again
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import traceback
from pathlib import Path

from tests.faults.scenes import SCENES
from tests.faults.telling import figures
from tests.faults.world import World


def main() -> int:
    arguments = _arguments()
    logging.disable(logging.WARNING)  # each fault is one
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), arguments.definition.read_text() if arguments.definition else _definition(folder))
        told = {
            "scenes": {name: _played(world, name) for name in SCENES},
            "stories": figures(world, range(arguments.first, arguments.first + arguments.stories)),
        }
    print(json.dumps(told, indent=1))
    return int(bool(told["stories"]["failing"]) or any(told["scenes"].values()))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--stories", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    parser.add_argument("--definition", type=Path, help="a state machine; by default that of the sample is synthesized")
    return parser.parse_args()


def _definition(folder: str) -> str:
    from tests.infra.conftest import definition, synthesized

    return definition(synthesized(Path(folder) / "cdk.out"), "forecasting")


def _played(world: World, scene: str) -> str:
    """How it failed, if it did."""
    world.begin(0, [])
    try:
        SCENES[scene](world)
    except Exception:
        return traceback.format_exc()
    return ""


if __name__ == "__main__":
    sys.exit(main())
