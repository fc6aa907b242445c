"""A copy of the sources in which a dataset's config is another one."""

from collections.abc import Callable
from pathlib import Path

import yaml

from demo import deploy


def changed_sources(root: Path, dataset: str, change: Callable[[dict], None]) -> Path:
    """`root`, with links to all of it but the config of the dataset, on which `change` was called, and what a synth
    writes, so that another one at the same time is not in its way."""
    for path in deploy.ROOT.iterdir():
        if path.name not in ("build", "data") and not path.name.startswith("."):
            (root / path.name).symlink_to(path)
    name = dataset.replace("-", "_")
    folder = root / "data" / name
    folder.mkdir(parents=True)
    config = yaml.safe_load((deploy.ROOT / "data" / name / "pipeline.yaml").read_text())
    change(config)
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return root
