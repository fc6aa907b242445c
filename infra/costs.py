"""What a dataset's pipelines cost in a month, before anything is deployed: `python -m infra.costs --help`.

An estimate from the config, a table of prices and the volumes that the reader gives; AWS's bill is the authority.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.config import ConfigError, Pipeline, of_dataset
from infra.config.base import Hours, Schedule
from infra.config.clock import HOURS_OF_A_MONTH, starts_of_a_month
from infra.config.forecasting import Forecasting, Glue
from infra.config.recommending import Recommending
from infra.deployed import room_for_runs
from infra.polling import HIGHEST_WAIT

_ROOT = Path(__file__).resolve().parent.parent
_PRICES = Path(__file__).with_name("prices.yaml")
HOURS_OF_A_WEEK = 168
SERIES = 200  # where nobody says how many
WEEKLY = 4.3  # runs of a month without a schedule: one delivery of files a week
NOTEBOOK_HOURS = 20.0  # of a learner's two labs, with time to look around: they stop when idle
OLD_VERSIONS_MONTHS = 3  # that the buckets keep
UNSOURCED = "none"
AMAZON, STORECAST = ENGINES = ("amazon-forecast", "storecast")
LEAST_SECONDS = 60  # that Glue bills of a run


@dataclass(frozen=True)
class Volume:
    """What flows in a month: `series` of the target (items x dimension values), `runs` of each pipeline (None: those of
    its schedule, or WEEKLY), GB of all the files of one run, `training_hours` that Forecast bills for one run and
    `solution_hours` that Personalize does for a training, hours that each recommender and notebook is on: None for all
    that the config gives them, NOTEBOOK_HOURS for notebooks where it gives none."""

    series: int
    runs: float | None = None
    gb: float = 0.1
    training_hours: float = 2.0
    solution_hours: float = 1.0
    recommender_hours: float | None = None
    notebook_hours: float | None = None


@dataclass(frozen=True)
class GlueRun:
    """One run of the forecasting job: its workers, the driver's among them, and what is billed."""

    workers: int
    minutes: float
    dpu_hours: float


@dataclass(frozen=True)
class Line:
    """One item of the estimate; `usd` for the month."""

    item: str
    quantity: float
    unit: str
    usd: float
    source: str


def prices() -> dict[str, Any]:
    """The table of prices, and what a run counts."""
    table: dict[str, Any] = yaml.safe_load(_PRICES.read_text())
    return table


def glue_run(series: int, figures: Mapping[str, float], most: int = 10_000) -> GlueRun:
    """The job for so many series on at most so many workers, in which all of them are billed from start to end: an
    upper bound, as auto scaling gives idle ones back."""
    work = series * figures["each"] / figures["vcpus"]
    executors = max(1, min(most - 1, math.ceil(work / (60 * figures["minutes"]))))
    seconds = figures["start_seconds"] + figures["once"] / figures["vcpus"] + work / executors
    return GlueRun(executors + 1, seconds / 60, (executors + 1) * max(seconds, LEAST_SECONDS) / 3600)


def _job(section: Forecasting, volume: Volume, table: Mapping[str, Any]) -> GlueRun:
    return glue_run(volume.series, table["glue"], (section.glue or Glue()).number_of_workers)


def forecasting_usd(config: Pipeline, volume: Volume, table: Mapping[str, Any]) -> dict[str, float]:
    """What forecasting costs in a month by each engine, beside the pipeline that is the same for both."""
    found = {engine: estimate(config, volume, table, engine) for engine in ENGINES}
    return {
        engine: sum(line.usd for line in lines if line.item.startswith(("Forecast:", "Glue:")))
        for engine, lines in found.items()
    }


def estimate(config: Pipeline, volume: Volume, table: Mapping[str, Any], engine: str = "") -> list[Line]:
    """The lines of a month, in the order of the pipelines; `engine` is one of ENGINES, by default the config's."""
    prices, counted = table["prices"], table["per_run"]
    runs = {name: _runs(section, volume.runs)[0] for name, section in _pipelines(config).items()}
    lines = []

    def add(item: str, price: str, quantity: float) -> None:
        rate = prices[price]
        usd = tiered(rate["tiers"], quantity) if "tiers" in rate else rate["usd"] * quantity
        lines.append(Line(item, quantity, rate["unit"], usd, rate["source"]))

    looks = 0.0  # at a training; each is a describe, a choice, a wait
    if config.forecasting and (engine or config.forecasting.engine) == STORECAST:
        job = _job(config.forecasting, volume, table)
        add("Glue: forecasting job", "glue_dpu_hour", runs["forecasting"] * job.dpu_hours)
    elif config.forecasting:
        of_month = runs["forecasting"]
        kinds = [len(types) for types in config.forecasting.forecasts.values()]
        types = sum(kinds) + kinds[0] * len(config.forecasting.what_if)  # what-if forecasts count (the price page)
        looks = of_month * volume.training_hours * 3600 / HIGHEST_WAIT
        add("Forecast: data imported", "forecast_import", of_month * volume.gb)
        add("Forecast: training", "forecast_training", of_month * volume.training_hours)
        add("Forecast: forecasts", "forecast_points", of_month * volume.series * config.forecasting.horizon * types)
    if config.recommending:
        of_month, solutions = runs["recommending"], config.recommending.solutions.values()
        recommenders, hours = len(config.recommending.use_cases), _recommender_hours(config.recommending, volume)
        add("Personalize: data imported", "personalize_import", of_month * volume.gb)
        add("Personalize: recommenders", "personalize_recommender", recommenders * hours)
        if solutions:
            rates = sum(made.min_provisioned_tps for made in solutions if made.campaign)
            add("Personalize: solutions", "personalize_training", of_month * len(solutions) * volume.solution_hours)
            add("Personalize: campaigns", "personalize_campaign", rates * HOURS_OF_A_MONTH)
    transitions = sum(times * counted[name]["transitions"] for name, times in runs.items())
    add("Step Functions", "state_transition", transitions + 3 * looks)
    add("Lambda", "lambda_gb_second", sum(times * counted[name]["lambda_gb_seconds"] for name, times in runs.items()))
    add("S3", "s3", volume.gb * (1 + max(runs.values()) * OLD_VERSIONS_MONTHS))
    add("Workshop notebooks", "notebook", config.workshop.learners * _notebook_hours(config, volume))
    return lines


def _pipelines(config: Pipeline) -> dict[str, Forecasting | Recommending]:
    """The sections of the pipelines that the config has."""
    sections = {"forecasting": config.forecasting, "recommending": config.recommending}
    return {name: section for name, section in sections.items() if section}


def _runs(section: Forecasting | Recommending, given: float | None) -> tuple[float, str]:
    """Runs of a pipeline in a month, and why so many. A schedule's starts count in full: each finds new files."""
    schedule: Schedule | None = section.schedule
    if given is not None:
        return given, "as you say"
    if schedule and schedule.enabled:
        what = "trains all again" if schedule.force else "finds new files"
        return starts_of_a_month(schedule.expression), f"each start by its schedule {what}"
    return WEEKLY, f"one upload a week; {'its schedule is off' if schedule else 'it has no schedule'}"


def _recommender_hours(recommending: Recommending, volume: Volume) -> float:
    return _on(volume.recommender_hours, recommending.hours, HOURS_OF_A_MONTH)


def _notebook_hours(config: Pipeline, volume: Volume) -> float:
    return _on(volume.notebook_hours, config.workshop.hours, NOTEBOOK_HOURS)


def _on(given: float | None, hours: Hours | None, otherwise: float) -> float:
    """Hours of a month that something is on: as given, or from the config, or as it is without either."""
    if given is not None:
        return given
    return hours.of_a_week / HOURS_OF_A_WEEK * HOURS_OF_A_MONTH if hours else otherwise


def tiered(tiers: Sequence[Sequence[float]], quantity: float) -> float:
    """The price of `quantity` units where each tier [up to, USD per unit] begins where the one before it ends."""
    bounds = [0.0, *(bound for bound, _ in tiers)]
    return sum(
        max(0.0, min(quantity, above) - below) * rate
        for (below, above), (_, rate) in zip(itertools.pairwise(bounds), tiers)
    )


def _compared(config: Pipeline, volume: Volume, table: Mapping[str, Any]) -> Iterator[str]:
    if not config.forecasting:
        return
    usd, job = forecasting_usd(config, volume, table), _job(config.forecasting, volume, table)
    yield f"Forecasting alone with each engine: {AMAZON} {usd[AMAZON]:,.2f}, {STORECAST} {usd[STORECAST]:,.2f}"
    yield (
        f"({STORECAST}: AWS Glue, {job.workers} workers for {job.minutes:.1f} minutes a run, computed from measured "
        "CPU time: docs/cost.md)"
    )
    yield ""


def text(config: Pipeline, lines: Sequence[Line], volume: Volume, table: Mapping[str, Any]) -> str:
    rows = [(each.item, f"{each.quantity:,.6g} x {each.unit}", f"{each.usd:,.2f}", _mark(each)) for each in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    shown = [f"{item:<{widths[0]}}  {what:<{widths[1]}}  {usd:>{widths[2]}}  {mark}" for item, what, usd, mark in rows]
    total = sum(each.usd for each in lines)
    unsourced = sum(each.usd for each in lines if each.source == UNSOURCED)
    return "\n".join(
        [
            f"Dataset {config.dataset}, a month in us-east-1, USD (prices of {table['date']}):",
            "",
            *shown,
            "",
            *_compared(config, volume, table),
            f"Total {total:,.2f}, of it {unsourced:,.2f} at prices marked * that no source at hand confirms.",
            "",
            "Assumed; --help names the option for each:",
            *(f"  {words}" for words in _assumed(config, volume)),
        ]
    )


def _assumed(config: Pipeline, volume: Volume) -> Iterator[str]:
    for name, section in _pipelines(config).items():
        times, why = _runs(section, volume.runs)
        yield f"{name}: {times:.3g} runs ({why})"
    yield f"{volume.gb:g} GB of files in a run"
    if config.forecasting:
        yield f"{volume.series:,} series, {volume.training_hours:g} training hours a run"
    if config.recommending:
        on = _recommender_hours(config.recommending, volume)
        of = f"of {HOURS_OF_A_MONTH} hours, at one request per second (more costs more)"
        yield f"each recommender on for {on:.4g} {of}"
        if config.recommending.solutions:
            yield f"for each solution {volume.solution_hours:g} training hours a run"
    yield f"each notebook of {config.workshop.learners} on for {_notebook_hours(config, volume):.4g} hours"


def shared(config: Pipeline) -> Iterator[str]:
    """What the dataset takes of shared quotas, and what will not fit beside what is there, if the account answers."""
    if (forecasting := config.forecasting) and forecasting.most_forecasts is not None:
        kept = forecasting.keep * len(forecasting.forecasts)
        yield f"{kept} forecasts of {forecasting.most_forecasts} (keep x forecasts)"
    if recommending := config.recommending:
        yield f"1 dataset group of 5, {len(recommending.use_cases)} recommenders of 15 by default"
    once = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1})
    try:
        clients = (boto3.client(service, config=once) for service in ("forecast", "personalize"))
        yield from room_for_runs(config, *clients) or ["they fit beside what the account has"]
    except (BotoCoreError, ClientError) as error:
        yield f"what the account has is not known here: {error}"


def _mark(line: Line) -> str:
    return "*" if line.source == UNSOURCED else line.source


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.costs", description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="grocery", help="folder under data/ with a pipeline.yaml")
    parser.add_argument("--series", type=int, default=SERIES, help="items x dimension values to forecast")
    parser.add_argument("--runs", type=float, help="runs of each pipeline in a month; else by its schedule, or weekly")
    parser.add_argument("--gb", type=float, default=Volume.gb, help="size of all files of one run")
    parser.add_argument("--training-hours", type=float, default=Volume.training_hours, help="billed by Forecast, a run")
    parser.add_argument("--solution-hours", type=float, default=Volume.solution_hours, help="of one training, billed")
    parser.add_argument("--recommender-hours", type=float, help="each, in a month; else by the config")
    parser.add_argument("--notebook-hours", type=float, help="each, in a month; else by the config")
    given = vars(parser.parse_args(arguments))
    dataset = given.pop("dataset")
    if negative := [f"{name} = {value}" for name, value in given.items() if value is not None and value < 0]:
        parser.error(f"{', '.join(negative)}: allowed is 0 or more")
    try:
        config = of_dataset(_ROOT / "data", dataset)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    table = prices()
    volume = Volume(**given)
    print(text(config, estimate(config, volume, table), volume, table))
    print("", "Quotas that all datasets of an account share:", *(f"  {line}" for line in shared(config)), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
