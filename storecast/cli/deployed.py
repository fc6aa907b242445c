"""`python -m storecast.cli.deployed NAME`: the five lines with which a deploy ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from storecast.cli.options import DATA
from storecast.client.aws import Aws
from storecast.client.model import Dataset


def lines(aws: Aws, dataset: Dataset) -> Iterator[tuple[str, str]]:
    """What was deployed, where to upload, how to see it, its report, and what it costs."""
    name = dataset.name
    folders = ", ".join(f"s3://{dataset.data_bucket}/{dataset.folder(pipeline)}" for pipeline in dataset.pipelines)
    yield "Deployed", f"{name}: {' and '.join(dataset.pipelines)}, {len(dataset.stacks)} stacks ({aws.where})"
    yield "Upload", f"storecast upload {name} FILES...   (into {folders})"
    yield "See", f"storecast status {name} --watch; storecast open {name}"
    yield "Report", f"storecast open {name} --report, when a run has published"
    yield "Cost", f"{_month(name)}storecast cost {name}"


def _month(name: str) -> str:
    """The estimate of a month, where the config is here."""
    from infra import costs
    from infra.config import ConfigError, of_dataset

    try:
        config = of_dataset(DATA, name)
    except ConfigError:
        return ""
    usd = sum(line.usd for line in costs.estimate(config, costs.Volume(series=costs.SERIES), costs.prices()))
    return f"about USD {usd:,.0f} a month on AWS for {costs.SERIES} series: "


def main() -> int:
    from storecast.cli.problems import stop_of
    from storecast.client import datasets
    from storecast.connection import connect

    try:
        aws = connect()
        for about, line in lines(aws, datasets.one(aws, sys.argv[1])):
            print(f"{about:<10}{line}")
    except Exception as error:
        found = stop_of(error)
        if found is None:
            raise
        print(found.what, file=sys.stderr)
        return found.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
