"""The pipelines' check of files, on this machine before anything is uploaded: `python -m infra.files --help`.

Same checks and messages as those of a run, which would put what is refused here into quarantine.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import forecasting.schema
import recommending.schema
from common import intake
from common.intake import Checked, Expecting
from forecasting.config import Config as ForecastingConfig
from forecasting.config import DomainColumns
from forecasting.plausible import Plausible
from infra.config import ConfigError, Pipeline, of_dataset
from infra.config.forecast import FORECAST_DOMAINS
from infra.config.forecasting import Forecasting
from infra.expressions import configured
from recommending.config import Config as RecommendingConfig

_DATA = Path(__file__).resolve().parent.parent / "data"
_LEAST = {"interactions": 1_000}  # rows of an import (docs/aws-sources.md#personalize-data-prep-formatting)


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def modified(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def start(self, most: int) -> bytes:
        with self.path.open("rb") as body:
            return body.read(most)

    def stream(self) -> IO[bytes]:
        return self.path.open("rb")


def check(config: Pipeline, files: Mapping[str, Sequence[Path]]) -> Iterator[tuple[str, Checked]]:
    """What a run would say of the files, by kind of dataset. Raises ConfigError for a kind that the config has not."""
    left = {kind: [LocalFile(path) for path in paths] for kind, paths in files.items()}
    refused = {kind: intake.by_name(found) for kind, found in left.items()}
    while True:  # until no file is refused, so that of one that is, nothing counts
        left = {kind: [file for file in found if file.name not in refused[kind]] for kind, found in left.items()}
        checked = _checked(config, left)
        new = {kind: of.refused for kind, of in checked.items() if of.refused}
        if not new:
            break
        for kind, why in new.items():
            refused[kind] |= why
    for kind, of_kind in checked.items():
        of_kind.refused = refused[kind]
        yield kind, of_kind


def _checked(config: Pipeline, files: Mapping[str, Sequence[LocalFile]]) -> dict[str, Checked]:
    series, watches, found = config.forecasting, dict[str, intake.Watch](), dict[str, Checked]()
    if series:
        plausible = Plausible(_config(series), _domain(series), datetime.now(UTC).replace(tzinfo=None))
        watches = {kind: plausible.watch(kind) for kind in files if kind in series.datasets}
    for kind in sorted(files, key=lambda kind: kind != "target"):  # which says how names are written
        expecting, newest_counts = _expecting(config, kind)
        oldest_first = sorted(files[kind], key=lambda file: (file.modified, file.name))
        found[kind] = intake.check(oldest_first, expecting, newest_counts=newest_counts, watch=watches.get(kind))
    if series:
        for kind, why in plausible.odd({kind: of for kind, of in found.items() if kind in watches}).items():
            found[kind].refused |= why
    return found


def _config(series: Forecasting) -> Any:
    return configured(ForecastingConfig, series)


def _domain(series: Forecasting) -> DomainColumns:
    item, target = FORECAST_DOMAINS[series.domain]
    return {"item": item, "target": target}


def _expecting(config: Pipeline, kind: str) -> tuple[Expecting, bool]:
    series, shop = config.forecasting, config.recommending
    if series and kind in series.datasets:
        request: Any = {"config": _config(series), "domain": _domain(series)}
        return forecasting.schema.expecting(request, kind), series.overlap == "newest"
    if shop and kind in shop.datasets:
        settings: Any = configured(RecommendingConfig, shop)
        return recommending.schema.expecting(settings, kind), False
    raise ConfigError(f"{kind}: not among the datasets of {config.dataset}; there are {', '.join(kinds_of(config))}")


def kinds_of(config: Pipeline) -> list[str]:
    sections = (config.forecasting, config.recommending)
    return [kind for section in sections if section for kind in section.datasets]


def by_kind(paths: Sequence[Path], kinds: Sequence[str], given: str | None) -> dict[str, list[Path]]:
    """Files, and those in folders, by the kind `given` or else by the folder that they are in, such as target/, or by
    how their names begin. Raises ConfigError for a file that is in none."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in [file for each in paths for file in (sorted(each.rglob("*")) if each.is_dir() else [each])]:
        if path.is_dir():
            continue
        if not path.exists():
            raise ConfigError(f"{path}: no such file")
        kind = given or next(iter(kinds_named(path, kinds)), None)
        if kind is None:
            raise ConfigError(
                f"{path}: of which dataset? Put it into a folder of that name ({', '.join(kinds)}), as in the data "
                "bucket, or say --kind"
            )
        found[kind].append(path)
    return found


def kinds_named(path: Path, kinds: Sequence[str]) -> list[str]:
    """The kinds of dataset that a file's folders and its name say, the nearest folder first."""
    folders = [part for part in reversed(path.parts[:-1]) if part in kinds]
    return [*folders, *(kind for kind in kinds if path.name.lower().startswith(kind))]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.files", description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="grocery", help="folder under data/ with a pipeline.yaml")
    parser.add_argument("--kind", help="of dataset, such as target; otherwise by the folder of each file")
    parser.add_argument("files", nargs="+", type=Path, help="files or folders")
    given = parser.parse_args(arguments)
    refused = 0
    try:
        config = of_dataset(_DATA, given.dataset)
        for kind, checked in check(config, by_kind(given.files, kinds_of(config), given.kind)):
            refused += len(checked.refused)
            print(*lines(kind, checked), sep="\n")
    except (ConfigError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return int(refused > 0)


def lines(kind: str, checked: Checked) -> Iterator[str]:
    """What a person reads of the files of a kind."""
    left = [rows for name in checked.layouts if (rows := checked.left(name))]
    rows = sum(left)
    files = f"{intake.number(len(left), 'file')} with {intake.number(rows, 'row')}"
    yield f"{kind}: {files} to import, {len(checked.refused)} refused"
    yield from (f"  refused: {why}" for why in checked.refused.values())
    yield from (f"  note: {note}" for note in checked.notes)
    if checked.layouts and rows < _LEAST.get(kind, 0):
        yield f"  note: an import takes {_LEAST[kind]:,} rows at least: a run waits for {_LEAST[kind] - rows:,} more"


if __name__ == "__main__":
    sys.exit(main())
