"""The distributed run on Spark in local mode, beside the single process."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from storecast_engines.distributed import Change, JobFailed, LocalFiles, Request, Result, Source, job, local, reading
from storecast_engines.files.schemas import DEFAULT_TIMESTAMP_FORMAT
from storecast_engines.forecasting import autopredictor, explainability
from storecast_engines.forecasting.algorithms import ALGORITHMS
from storecast_engines.forecasting.panel import Panel, Prediction, build_panel
from storecast_engines.forecasting.what_if import Condition, Transformation, transformed

HORIZON, STEPS, SERIES = 7, 70, 26
FAST = ["SeasonalNaive", "NPTS", "LightGBM"]
PLAIN = {"related": None, "scenarios": {}, "explain": False}
DAYS = pd.date_range("2024-01-01", periods=STEPS + HORIZON)


def shop() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sales in two stores, prices known over the horizon, and a category; items 24 and 25 have no sales yet."""
    rng = np.random.default_rng(5)
    keys = [(f"Item{at // 2}", f"s{at % 2}") for at in range(SERIES)]
    rows = []
    for item, store in keys:
        price = rng.uniform(1, 3, len(DAYS)).round(2)
        sold = rng.poisson(rng.uniform(5, 40) / price * (1 + 0.5 * np.sin(2 * np.pi * np.arange(len(DAYS)) / 7)))
        rows.append(pd.DataFrame({"item_id": item, "store": store, "timestamp": DAYS, "price": price, "demand": sold}))
    both = pd.concat(rows, ignore_index=True)
    past = (both["timestamp"] < DAYS[STEPS]) & ~both["item_id"].isin(["Item12"])
    target = both.loc[past, ["item_id", "timestamp", "store", "demand"]]
    metadata = pd.DataFrame({"item_id": [f"Item{at}" for at in range(13)], "category": list("abcabcabcabca")})
    return target, both[["item_id", "store", "timestamp", "price"]], metadata


def written(folder: Path, kind: str, frame: pd.DataFrame, parts: int = 1) -> Source:
    """The frame in several files, without headers."""
    types = {"timestamp": "timestamp", "demand": "float", "price": "float"}
    files = []
    for at, part in enumerate(np.array_split(np.arange(len(frame)), parts)):
        path = folder / f"{kind}{at}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.iloc[part].to_csv(path, index=False, header=False, date_format="%Y-%m-%d %H:%M:%S")
        files.append(str(path))
    return Source(files, {name: types.get(name, "string") for name in frame}, DEFAULT_TIMESTAMP_FORMAT)


@pytest.fixture(scope="module")
def request_of(tmp_path_factory: pytest.TempPathFactory) -> Request:
    folder = tmp_path_factory.mktemp("shop")
    target, related, metadata = shop()
    return Request(
        output=str(folder / "out"),
        name="run",
        item="item_id",
        value="demand",
        frequency="D",
        horizon=HORIZON,
        types=["mean", "0.1", "0.5", "0.9"],
        target=written(folder, "target", target, parts=3),
        related=written(folder, "related", related, parts=2),
        metadata=written(folder, "metadata", metadata),
        dimensions=["store"],
        algorithms=FAST,
        scenarios={"cheap": [Change("price", "MULTIPLY", 0.5, {"store": "s0"})]},
        explain=True,
    )


def results(folder: str, kind: str, key: tuple[str, ...] = ("item_id", "store", "date")) -> pd.DataFrame:
    files = sorted(Path(folder, kind).glob("*.csv"))
    frames = [pd.read_csv(file, dtype={"item_id": str, "store": str}, na_values="not defined") for file in files]
    return pd.concat(frames).sort_values(list(key), ignore_index=True)


def single_panel() -> Panel:
    target, related, metadata = shop()
    return build_panel(
        target,
        related,
        metadata,
        item_key="item_id",
        dimensions=["store"],
        target_name="demand",
        freq="D",
        horizon=HORIZON,
    )


def single() -> tuple[autopredictor.Predictor, pd.DataFrame]:
    """What the single process makes of the same: the predictor, and its forecast as rows in the same order."""
    panel, levels = single_panel(), (0.1, 0.5, 0.9)
    trained = autopredictor.train(panel, HORIZON, levels, algorithms=FAST)
    found = autopredictor.predict(trained, panel, HORIZON, levels)
    return trained, as_rows(panel, found)


def as_rows(panel: Panel, found: Prediction) -> pd.DataFrame:
    keys = panel.keys.apply(lambda column: column.str.lower())
    rows = keys.loc[keys.index.repeat(HORIZON)].reset_index(drop=True)
    rows["date"] = np.tile(DAYS[STEPS:].strftime("%Y-%m-%dT%H:%M:%SZ"), len(keys))
    rows["mean"] = found.mean.ravel()
    rows[["p10", "p50", "p90"]] = found.quantiles.reshape(-1, 3)
    return rows.sort_values(["item_id", "store", "date"], ignore_index=True)


@pytest.fixture(scope="module")
def trained(spark: SparkSession, request_of: Request) -> Result:
    return job.run(spark, request_of, LocalFiles())


def test_of_few_series_all_results_are_those_of_the_single_process(trained: Result, request_of: Request) -> None:
    predictor, expected = single()
    forecast = results(request_of.output, "forecast")
    assert list(forecast.columns) == ["item_id", "date", "store", "mean", "p10", "p50", "p90"]
    pd.testing.assert_frame_equal(forecast[expected.columns.tolist()], expected, rtol=1e-9)
    assert trained.series == 24 and trained.cold_starts == 2 and trained.steps == STEPS
    for name, metrics in predictor.leaderboard.items():
        assert {each: trained.leaderboard[name][each] for each in metrics} == pytest.approx(metrics, rel=1e-9)
    mean = dict(zip(predictor.algorithms, predictor.weights.mean(axis=(0, 2))))
    assert trained.weights == pytest.approx(mean, rel=1e-9)
    values = results(f"{request_of.output}/backtest", "forecasted-values", ("item_id", "store", "timestamp"))
    order = np.lexsort(predictor.keys.apply(lambda column: column.str.lower()).to_numpy(str).T[::-1])
    assert values["mean"].to_numpy() == pytest.approx(predictor.backtest.mean[0][order].ravel(), rel=1e-9)
    assert values["target_value"].to_numpy() == pytest.approx(predictor.backtest.actual[0][order].ravel())
    accuracy = results(f"{request_of.output}/backtest", "accuracy-metrics-values", ("item_id", "store"))
    summary = accuracy[accuracy["backtest_window"] == "Summary"]
    assert summary["WAPE"].to_numpy() == pytest.approx(predictor.backtest.item_summary().wape[order], rel=1e-9)
    assert Result.from_json(Path(request_of.output, "result.json").read_text()) == trained


def test_scenarios_and_impact_are_those_of_the_single_process(trained: Result, request_of: Request) -> None:
    predictor, expected = single()
    panel = single_panel()
    half = Transformation("price", "MULTIPLY", 0.5, (Condition("store", "EQUALS", "s0"),))
    cheap = as_rows(
        panel, autopredictor.predict(predictor, transformed(panel, HORIZON, [half]), HORIZON, (0.1, 0.5, 0.9))
    )
    found = results(request_of.output, "what-if")
    for kind in ("mean", "p10", "p50", "p90"):
        assert found[f"Baseline_{kind}"].to_numpy() == pytest.approx(expected[kind], rel=1e-9)
        assert found[f"cheap_{kind}"].to_numpy() == pytest.approx(cheap[kind], rel=1e-9)
    assert not np.allclose(found["cheap_mean"], found["Baseline_mean"])
    raw = explainability.impact(predictor, panel, HORIZON)
    scores = explainability.normalised(explainability.aggregated(raw.raw, (0, 1)))
    assert trained.impact == pytest.approx(dict(zip(raw.attributes, scores)), rel=1e-9)
    each = results(request_of.output, "impact", ("item_id", "store"))
    assert list(each) == ["item_id", "store", "price-RawImpactScore", "category-RawImpactScore"]
    order = np.lexsort(panel.keys.apply(lambda column: column.str.lower()).to_numpy(str).T[::-1])
    expected_each = explainability.aggregated(raw.raw, 1)[order]
    assert each.iloc[:, 2:].to_numpy() == pytest.approx(expected_each, rel=1e-9)
    (file,) = Path(request_of.output, "explainability").glob("*.csv")
    assert list(pd.read_csv(file)) == ["price-NormalizedImpactScore", "category-NormalizedImpactScore"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scenarios": {"x": [Change("prize", "ADD", 1)]}}, "'prize' is no related time series; there are price"),
        ({"algorithms": ["NPTS"]}, "explainability needs LightGBM among the algorithms, which are NPTS"),
        ({"algorithms": ["ETS", "CNN-QR"]}, "the request: algorithms names 'CNN-QR', which is a network over all"),
        ({"hyperparameters": {"Oracle": {}}}, "hyperparameters names 'Oracle', which is not known; allowed are ARIMA"),
        ({"windows": 5, "horizon": 12, **PLAIN}, "5 backtest windows of 12 steps leave only 10 of 70"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    spark: SparkSession, request_of: Request, tmp_path: Path, change: dict, words: str
) -> None:
    with pytest.raises(JobFailed) as raised:
        job.run(spark, replace(request_of, output=str(tmp_path), **change), LocalFiles())
    assert words in str(raised.value)


def test_a_predictor_forecasts_without_being_trained_again(
    spark: SparkSession, trained: Result, request_of: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = replace(request_of, output=str(tmp_path), predictor=f"{request_of.output}/predictor")
    monkeypatch.setattr(job.ensemble, "learn", None)
    found = job.run(spark, again, LocalFiles())
    pd.testing.assert_frame_equal(results(str(tmp_path), "forecast"), results(request_of.output, "forecast"))
    assert found.leaderboard == trained.leaderboard
    assert not (tmp_path / "backtest").exists() and not (tmp_path / "predictor").exists()


def test_beyond_the_sample_each_series_still_has_its_own_models_and_every_series_its_forecast(
    spark: SparkSession, request_of: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job.chunks, "SERIES", 5)
    few = replace(request_of, output=str(tmp_path / "few"), algorithms=["NPTS"], sample=4, explain=False)
    found = job.run(spark, few, LocalFiles())
    all_of_them = replace(few, output=str(tmp_path / "all"), sample=100)
    expected = job.run(spark, all_of_them, LocalFiles())
    forecasts = [results(each.output, "forecast") for each in (few, all_of_them)]
    cold = forecasts[1]["item_id"] == "item12"
    pd.testing.assert_frame_equal(*(each[~cold] for each in forecasts))  # a local model needs nothing of the others
    assert len(forecasts[0]) == len(forecasts[1]) == SERIES * HORIZON and not forecasts[0].isna().any(axis=None)
    assert found.leaderboard["NPTS"] == pytest.approx(expected.leaderboard["NPTS"], rel=1e-9)
    assert found.series == expected.series == 24
    assert len(list(Path(few.output, "forecast").glob("*_part*"))) > 2
    by_predictor = replace(few, output=str(tmp_path / "again"), predictor=f"{few.output}/predictor")
    job.run(spark, by_predictor, LocalFiles())
    pd.testing.assert_frame_equal(results(by_predictor.output, "forecast"), forecasts[0])


def test_a_bad_file_is_left_out_with_its_reason_and_the_rest_goes_on(
    spark: SparkSession, request_of: Request, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("Item0,2024-01-01 00:00:00,s0,many\n")
    source = replace(request_of.target, files=[*request_of.target.files, str(bad)])
    lines: list[str] = []
    plain = replace(request_of, algorithms=["SeasonalNaive"], explain=False)
    asked = replace(plain, target=source, output=str(tmp_path / "out"))
    found = job.run(spark, asked, LocalFiles(), report=lines.append)
    (about,) = found.quarantined
    assert (about["file"], about["row"], about["column"], about["value"]) == (str(bad), 1, "demand", "many")
    assert found.series == 24
    assert f"left out: {about['message']}" in lines
    only = replace(asked, target=replace(source, files=[str(bad)]))
    with pytest.raises(JobFailed, match="no target to forecast from: all its files were refused: .*'many' is not a"):
        job.run(spark, only, LocalFiles())


@pytest.fixture
def large(tmp_path: Path, request_of: Request, monkeypatch: pytest.MonkeyPatch) -> Request:
    """One file of the target that several tasks read."""
    target, *_ = shop()
    monkeypatch.setattr(reading, "PART", 10_000)
    plain = replace(request_of, algorithms=["SeasonalNaive"], **PLAIN, metadata=None)
    return replace(plain, target=written(tmp_path, "large", target), output=str(tmp_path / "out"))


def test_a_large_file_is_read_in_parts_and_counts_as_one(
    spark: SparkSession, request_of: Request, large: Request, tmp_path: Path
) -> None:
    lines: list[str] = []
    found = job.run(spark, large, LocalFiles(), report=lines.append)
    parts = -(-Path(large.target.files[0]).stat().st_size // reading.PART)
    assert parts > 3 and f"reading 1 files in {parts} parts" in lines
    assert found.rows["target"] == 24 * STEPS and found.series == 24
    whole = replace(large, target=request_of.target, output=str(tmp_path / "whole"))
    job.run(spark, whole, LocalFiles())
    pd.testing.assert_frame_equal(results(large.output, "forecast"), results(whole.output, "forecast"))


def test_a_bad_row_in_a_part_refuses_the_file_by_its_row_in_the_file(
    spark: SparkSession, request_of: Request, large: Request
) -> None:
    (file,) = large.target.files
    rows = Path(file).read_text().splitlines(keepends=True)
    Path(file).write_text("".join([*rows[:900], "Item0,2024-01-01 00:00:00,s0,many\n", *rows[900:]]))
    both = replace(large, target=replace(large.target, files=[file, request_of.target.files[0]]))
    found = job.run(spark, both, LocalFiles())
    (about,) = found.quarantined
    assert (about["file"], about["row"], about["value"]) == (file, 901, "many")
    assert f"{file}, row 901, demand: 'many'" in about["message"]
    assert found.rows["target"] == 24 * STEPS // 3, "good parts of a bad file count"


def test_a_file_with_quotes_is_read_as_a_whole(spark: SparkSession, large: Request) -> None:
    (file,) = large.target.files
    text = Path(file).read_text()
    Path(file).write_text(text.replace("Item3,", '"Item\n3",'))
    lines: list[str] = []
    assert job.run(spark, large, LocalFiles(), report=lines.append).series == 24
    assert "reading 1 files" in lines


class Losing(LocalFiles):
    """The worker that is to write a chunk's first result ends instead, once."""

    def __init__(self, lost: str) -> None:
        self.lost = lost

    def write(self, uri: str, body: bytes) -> None:
        if "part000002" in uri and not Path(self.lost).exists():
            Path(self.lost).touch()
            os._exit(1)
        super().write(uri, body)


def test_a_worker_that_is_lost_costs_its_chunk_only(
    spark: SparkSession, request_of: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job.chunks, "SERIES", 5)
    few = replace(request_of, algorithms=["SeasonalNaive"], sample=4, **PLAIN, metadata=None)
    lost, plain = (replace(few, output=str(tmp_path / name)) for name in ("lost", "plain"))
    found = job.run(spark, lost, Losing(str(tmp_path / "killed")))
    assert (tmp_path / "killed").exists() and found.series == 24
    job.run(spark, plain, LocalFiles())
    pd.testing.assert_frame_equal(results(lost.output, "forecast"), results(plain.output, "forecast"))


def test_a_related_value_that_is_missing_fails_the_job_in_the_words_of_the_single_process(
    spark: SparkSession, request_of: Request, tmp_path: Path
) -> None:
    _, related, _ = shop()
    gap = related[~((related["item_id"] == "Item3") & (related["timestamp"] == DAYS[20]))]
    asked = replace(request_of, related=written(tmp_path, "gap", gap), algorithms=["NPTS"], sample=2, explain=False)
    with pytest.raises(JobFailed, match="'price' of item_id='Item3', store='s[01]' is missing at 2024-01-21"):
        job.run(spark, replace(asked, output=str(tmp_path / "out")), LocalFiles())


def test_rows_of_a_time_step_are_put_together_wherever_they_lie(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each step there are rows in all four files; no task gets more than one of them."""
    handled: list[int] = []

    def combined(rows: pd.DataFrame, *others) -> pd.DataFrame:
        handled.append(len(rows))
        return reading.combined(rows, *others)

    monkeypatch.setattr(local, "combined", combined)
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"item_id": rng.choice(["a", "b"], 600), "demand": rng.integers(1, 9, 600).astype(float)})
    rows["timestamp"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 24 * 40, 600), unit="h")
    cells = len(rows.assign(day=rows["timestamp"].dt.floor("D"))[["item_id", "day"]].drop_duplicates())
    for how in ("avg", "first", "max"):
        asked = Request(
            output=str(tmp_path / how),
            name="run",
            item="item_id",
            value="demand",
            frequency="D",
            horizon=3,
            types=["mean"],
            target=written(tmp_path / how, "target", rows, parts=4),
            algorithms=["SeasonalNaive"],
            filling={"demand": {"aggregation": how}},
        )
        job.run(spark, asked, LocalFiles())
        configs = {"demand": {"aggregation": how}}
        panel = build_panel(
            rows, None, None, item_key="item_id", target_name="demand", freq="D", horizon=3, transformations=configs
        )
        expected = ALGORITHMS["SeasonalNaive"](panel, 3, ()).mean
        assert handled.pop() == cells and not handled
        found = results(asked.output, "forecast", ("item_id", "date"))["mean"].to_numpy().reshape(2, 3)
        assert found == pytest.approx(expected), how


def test_a_series_that_a_model_fails_on_is_reported_and_forecast_nevertheless(
    request_of: Request, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    target, *_ = shop()
    panel = build_panel(
        target, None, None, item_key="item_id", dimensions=["store"], target_name="demand", freq="D", horizon=HORIZON
    )

    def fails(panel, horizon, levels):
        if "Item3" in set(panel.keys["item_id"]):
            raise ArithmeticError("singular")
        return ALGORITHMS["NPTS"](panel, horizon, levels)

    monkeypatch.setitem(ALGORITHMS, "ETS", fails)
    training = local.Training({"ETS": {}}, [], [0.5], {}, local.Shares(*np.empty((2, 0, 0))), [], ["ETS"])
    request_of = replace(request_of, scenarios={})
    data = local.Data(request_of, local.Columns(2, 1, 1), (DAYS[0], DAYS[STEPS - 1]), False)
    found = local.fit(panel, data, training)
    assert [(each["series"], each["error"]) for each in found.failed] == [
        ("Item3, s0", "ArithmeticError: singular"),
        ("Item3, s1", "ArithmeticError: singular"),
    ]
    naive, npts = (ALGORITHMS[name](panel, HORIZON, [0.5]).mean for name in ("SeasonalNaive", "NPTS"))
    broken = (panel.keys["item_id"] == "Item3").to_numpy()
    assert found.predictions["ETS"].mean == pytest.approx(np.where(broken[:, None], naive, npts))


class Unreadable(LocalFiles):
    """Files of which one may not be read."""

    def read(self, uri: str, first: int = 0, last: int | None = None) -> bytes:
        if uri.endswith("target1.csv"):
            raise JobFailed(f"{uri} may not be read")
        return super().read(uri, first, last)


def test_an_error_of_a_task_fails_the_job_in_its_own_words(spark: SparkSession, request_of: Request) -> None:
    with pytest.raises(JobFailed, match=r"^\S*target1.csv may not be read$"):
        job.run(spark, request_of, Unreadable())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 0}, "has version 0, these engines read version 1: train a new predictor"),
        ({"horizon": 3}, "was trained for horizon 3, not 7"),
    ],
)
def test_a_predictor_of_another_version_or_for_something_else_is_refused(
    spark: SparkSession, trained: Result, request_of: Request, tmp_path: Path, change: dict, words: str
) -> None:
    document = json.loads(Path(request_of.output, "predictor", "predictor.json").read_text())
    (tmp_path / "predictor.json").write_text(json.dumps(document | change))
    with pytest.raises(JobFailed, match=words):
        job.run(spark, replace(request_of, predictor=str(tmp_path)), LocalFiles())
