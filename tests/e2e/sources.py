"""A copy of the sources in which a dataset's config is another one, and the code that all Lambda functions share."""

import shutil
from collections.abc import Callable
from pathlib import Path

import yaml

from demo import deploy


def changed_sources(root: Path, dataset: str, change: Callable[[dict], None]) -> Path:
    """`root`, with links to all of it but the config of the dataset, on which `change` was called, what a synth is made
    of, with one more line in lambdas/common, and what it writes, so that another one at the same time is not in its
    way."""
    for path in deploy.ROOT.iterdir():
        if path.name not in ("app.py", "infra", "lambdas", "build", "data") and not path.name.startswith("."):
            (root / path.name).symlink_to(path)
    shutil.copy(deploy.ROOT / "app.py", root)
    for name in ("infra", "lambdas"):
        shutil.copytree(deploy.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (root / "lambdas" / "common" / "__init__.py").open("a") as common:
        common.write("CHANGED = True\n")
    name = dataset.replace("-", "_")
    folder = root / "data" / name
    folder.mkdir(parents=True)
    config = yaml.safe_load((deploy.ROOT / "data" / name / "pipeline.yaml").read_text())
    change(config)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return root
