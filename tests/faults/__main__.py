"""`python -m tests.faults`: scenes of single faults, and many random stories over small pipelines.

python -m tests.faults --stories 2000            # 2,000 stories, from seed 0
python -m tests.faults --first 1234 --stories 1  # one of them again
python -m tests.faults --stories 0 --every 1     # each call of each state with each kind of fault, and each state
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import sys
import tempfile
import traceback
from pathlib import Path

from tests.faults import scenes, scenes_storecast
from tests.faults.everywhere import everywhere
from tests.faults.pipelines import PIPELINES, STORECAST
from tests.faults.telling import figures
from tests.faults.world import World


def main() -> int:
    arguments = _arguments()
    logging.disable(logging.WARNING)  # each fault is one
    with tempfile.TemporaryDirectory() as folder:
        machines = arguments.machines or _synthesized(Path(folder))
        definitions = {each.key: (machines / f"{each.key}.json").read_text() for each in (*PIPELINES, STORECAST)}
        world = World(Path(folder), definitions)
        gc.freeze()  # what is there stays: no look at it again and again
        told = {
            "scenes": {name: _played(world, name) for name in SCENES if arguments.only in name},
            "stories": figures(world, range(arguments.first, arguments.first + arguments.stories)),
            "everywhere": everywhere(world, arguments.every, arguments.only) if arguments.every else {"failing": {}},
        }
    print(json.dumps(told, indent=1))
    failing = (told["stories"]["failing"], told["everywhere"]["failing"], any(told["scenes"].values()))
    return int(any(failing))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.partition("\n")[0])
    parser.add_argument("--stories", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    parser.add_argument("--every", type=int, default=0, help="also one in N of all faults of all calls, of all blows")
    parser.add_argument("--only", default="", help="of these and of the scenes, those whose name has this text in it")
    parser.add_argument("--machines", type=Path, help="folder of the state machines; by default they are synthesized")
    return parser.parse_args()


def _synthesized(folder: Path) -> Path:
    from tests.infra.conftest import definition, synthesized
    from tests.infra.variants import VARIANTS

    assembly, ours = (synthesized(folder / name, VARIANTS[name]()) for name in ("sample", "storecast"))
    for pipeline in PIPELINES:
        (folder / f"{pipeline.key}.json").write_text(definition(assembly, pipeline.name))
    (folder / f"{STORECAST.key}.json").write_text(definition(ours, STORECAST.name))
    return folder


SCENES = scenes.SCENES | scenes_storecast.SCENES


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
