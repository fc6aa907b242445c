"""The monthly estimate against hand-computed figures."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra import costs
from infra.config import Pipeline, load
from infra.costs import Volume, estimate
from tests.infra.conftest import ROOT

TABLE = {
    "date": "2026-01-01",
    "prices": {
        "forecast_import": {"usd": 0.1, "unit": "GB", "source": "here"},
        "forecast_training": {"usd": 0.25, "unit": "h", "source": "here"},
        "forecast_points": {"unit": "point", "source": "none", "tiers": [[1000, 0.002], [2000, 0.001], [1e99, 0.0001]]},
        "personalize_import": {"usd": 0.05, "unit": "GB", "source": "here"},
        "personalize_training": {"usd": 0.3, "unit": "h", "source": "here"},
        "personalize_campaign": {"usd": 0.2, "unit": "h", "source": "here"},
        "personalize_recommender": {"usd": 0.4, "unit": "h", "source": "none"},
        "notebook": {"usd": 0.05, "unit": "h", "source": "here"},
        "state_transition": {"usd": 0.00003, "unit": "transition", "source": "here"},
        "glue_dpu_hour": {"usd": 0.5, "unit": "DPU hour", "source": "here"},
        "lambda_gb_second": {"usd": 0.00002, "unit": "GB s", "source": "here"},
        "s3": {"usd": 0.02, "unit": "GB month", "source": "here"},
    },
    "glue": {"once": 40, "each": 0.06, "vcpus": 4, "start_seconds": 60, "minutes": 15},
    "per_run": {
        "forecasting": {"transitions": 200, "lambda_gb_seconds": 10},
        "recommending": {"transitions": 100, "lambda_gb_seconds": 5},
    },
}


def _lines(**volume: float) -> dict[str, costs.Line]:
    config = load(ROOT / "data" / "sample" / "pipeline.yaml")  # horizon 14, four types, one what-if
    given = {"series": 25, "runs": 2, "gb": 3, "training_hours": 4, "recommender_hours": 10, "notebook_hours": 8}
    return {line.item: line for line in estimate(config, Volume(**given | volume), TABLE)}


def test_each_item_of_a_month() -> None:
    lines = _lines()
    assert {item: round(line.usd, 6) for item, line in lines.items()} == {
        "Forecast: data imported": 0.6,
        "Forecast: training": 2.0,
        "Forecast: forecasts": 3.36,  # 2 x 25 x 14 x 8 = 5,600 points: 1,000 at .002, 1,000 at .001, 3,600 at .0001
        "Personalize: data imported": 0.3,
        "Personalize: recommenders": 20.0,
        "Personalize: solutions": 1.2,  # 2 solutions, trained in 2 runs for an hour each
        "Personalize: campaigns": 292.0,  # 2 of one request per second, all 730 hours
        "Step Functions": 0.02088,  # 2 x 300, and three states for each of 2 x 4 x 4 polls of a training
        "Lambda": 0.0006,
        "S3": 0.42,  # 3 GB, and the old versions of two runs a month for three months
        "Workshop notebooks": 0.4,
    }
    assert lines["Forecast: forecasts"].quantity == 5600 and lines["Forecast: forecasts"].source == "none"


def _with(folder: Path, **schedules: str) -> Pipeline:
    """The sample with a schedule in these sections, as YAML."""
    text = (ROOT / "data" / "sample" / "pipeline.yaml").read_text()
    for section, schedule in schedules.items():
        text = text.replace(f"{section}:\n", f"{section}:\n  schedule: {schedule}\n")
    (folder / "pipeline.yaml").write_text(text)
    return load(folder / "pipeline.yaml")


def test_each_pipeline_runs_as_often_as_its_schedule_starts_it(tmp_path: Path) -> None:
    config = _with(tmp_path, forecasting="{expression: rate(5 days)}", recommending='{expression: "cron(0 5 1 * ? *)"}')
    quantities = {line.item: line.quantity for line in estimate(config, Volume(series=1, gb=2), TABLE)}
    assert quantities["Forecast: data imported"] == pytest.approx(2 * 730 / 120)
    assert quantities["Personalize: data imported"] == 2
    assert quantities["Lambda"] == pytest.approx(10 * 730 / 120 + 5)
    assert quantities["S3"] == pytest.approx(2 + 2 * 3 * 730 / 120)
    given = {line.item: line.quantity for line in estimate(config, Volume(series=1, gb=2, runs=3), TABLE)}
    assert given["Forecast: data imported"] == given["Personalize: data imported"] == 6


def test_a_schedule_that_is_off_or_missing_counts_as_one_upload_a_week_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    config = _with(tmp_path, forecasting='{expression: "rate(1 hour)", enabled: false}')
    lines = {line.item: line.quantity for line in estimate(config, Volume(series=1, gb=1), TABLE)}
    assert lines["Forecast: data imported"] == lines["Personalize: data imported"] == 4.3
    monkeypatch.setattr(costs, "of_dataset", lambda root, dataset: config)
    assert costs.main([]) == 0
    printed = capsys.readouterr().out
    assert "forecasting: 4.3 runs (one upload a week; its schedule is off)" in printed
    assert "recommending: 4.3 runs (one upload a week; it has no schedule)" in printed


def test_hours_of_the_config_count_unless_others_are_given(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    hours = 'hours: {start: "08:00", stop: "20:00", days: [MON, TUE]}'  # 24 of 168 hours: a seventh of 730
    text = (ROOT / "data" / "sample" / "pipeline.yaml").read_text()
    text = text.replace("recommending:\n", f"recommending:\n  {hours}\n")
    path.write_text(f"{text}\nworkshop: {{learners: 3, {hours}}}\n")
    lines = {line.item: line for line in estimate(load(path), Volume(series=1, runs=1), TABLE)}
    assert lines["Personalize: recommenders"].quantity == pytest.approx(5 * 730 / 7)
    assert lines["Workshop notebooks"].quantity == pytest.approx(3 * 730 / 7)
    given = Volume(series=1, runs=1, recommender_hours=1, notebook_hours=2)
    quantities = {line.item: line.quantity for line in estimate(load(path), given, TABLE)}
    assert (quantities["Personalize: recommenders"], quantities["Workshop notebooks"]) == (5, 6)


def test_without_runs_only_what_is_always_on_costs() -> None:
    assert {item for item, line in _lines(runs=0).items() if line.usd} == {
        "Personalize: recommenders", "Personalize: campaigns", "S3", "Workshop notebooks",
    }  # fmt: skip


def test_the_command_prints_every_item_its_marks_and_its_assumptions(capsys: pytest.CaptureFixture) -> None:
    assert costs.main(["--dataset", "sample", "--series", "10", "--runs", "1"]) == 0
    printed = capsys.readouterr().out
    for words in (
        "Forecast: forecasts",
        "1,120 x forecast data point",
        "*",
        "Total",
        "10 series",
        "1 runs (as you say)",
    ):
        assert words in printed


def test_a_wrong_dataset_or_number_is_reported(capsys: pytest.CaptureFixture) -> None:
    assert costs.main(["--dataset", "nope"]) == 1
    assert "datasets with a pipeline.yaml: grocery" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        costs.main(["--runs", "-1"])
    assert "runs = -1.0: allowed is 0 or more" in capsys.readouterr().err


def test_every_price_of_the_table_has_a_unit_and_says_its_source() -> None:
    table = yaml.safe_load((ROOT / "infra" / "prices.yaml").read_text())
    assert all(
        {"unit", "source"} < set(price) and ("usd" in price) != ("tiers" in price) for price in table["prices"].values()
    )
    assert all(counts["transitions"] > 0 and counts["lambda_gb_seconds"] > 0 for counts in table["per_run"].values())


@pytest.mark.parametrize(
    ("series", "most", "workers", "seconds"),
    [
        (1, 100, 2, 70.015),  # a minute's start, 40 CPU s on the driver's four cores, one series
        (100_000, 100, 3, 820),  # 1,500 s of work for one executor: two, to end in a quarter of an hour
        (100_000, 2, 2, 1570),
        (1_000_000, 100, 18, 70 + 15_000 / 17),
    ],
)
def test_the_workers_of_the_glue_job_share_the_series(series: int, most: int, workers: int, seconds: float) -> None:
    job = costs.glue_run(series, TABLE["glue"], most)
    assert (job.workers, job.minutes) == (workers, pytest.approx(seconds / 60))
    assert job.dpu_hours == pytest.approx(workers * seconds / 3600)


def test_each_engine_has_its_own_lines(capsys: pytest.CaptureFixture) -> None:
    config = load(ROOT / "data" / "sample" / "pipeline.yaml")
    volume = Volume(series=100_000, runs=2)
    ours = {line.item: line for line in estimate(config, volume, TABLE, costs.STORECAST)}
    assert not [item for item in ours if item.startswith("Forecast")]
    assert ours["Glue: forecasting job"].usd == pytest.approx(2 * 3 * 820 / 3600 * 0.5)
    usd = costs.forecasting_usd(config, volume, TABLE)
    assert usd[costs.STORECAST] == pytest.approx(ours["Glue: forecasting job"].usd)
    assert usd[costs.AMAZON] == sum(
        line.usd
        for item, line in _lines(series=100_000, gb=0.1, training_hours=2).items()
        if item.startswith("Forecast")
    )
    assert costs.main(["--dataset", "sample"]) == 0
    printed = capsys.readouterr().out
    assert "Forecasting alone with each engine: amazon-forecast " in printed and "AWS Glue, 2 workers for " in printed


def test_the_page_on_costs_has_the_figures_that_are_computed() -> None:
    """Of one run: horizon 28, four types, as the sample has them but for the horizon."""
    table = costs.prices()
    page = (ROOT / "docs" / "cost.md").read_text()
    for series in (1_000, 10_000, 100_000, 1_000_000):
        job, points = costs.glue_run(series, table["glue"]), series * 28 * 4
        usd = job.dpu_hours * table["prices"]["glue_dpu_hour"]["usd"]
        amazon = costs.tiered(table["prices"]["forecast_points"]["tiers"], points)
        ours = f"{series:,} | {job.workers} | {job.minutes:.1f} | {job.dpu_hours:.2f} | {usd:,.2f}"
        assert f"| {ours} | {points:,} | {amazon:,.0f} |" in page, ours
