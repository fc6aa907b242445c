"""The sample dataset in Forecast: a dataset group with its three datasets and their imports."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tests.contract.helpers import attributes, ended, put_csv, unique

SCHEMAS = {
    "target": ("TARGET_TIME_SERIES", attributes(item_id="string", timestamp="timestamp", demand="float")),
    "related": ("RELATED_TIME_SERIES", attributes(item_id="string", timestamp="timestamp", price="float")),
    "metadata": ("ITEM_METADATA", attributes(item_id="string", category="string", brand="string")),
}


@dataclass(frozen=True)
class Group:
    arn: str
    datasets: dict[str, str]
    imports: dict[str, str]


def create_dataset(forecast, kind: str = "target", **more) -> str:
    dataset_type, schema = SCHEMAS[kind]
    frequency = {} if kind == "metadata" else {"DataFrequency": "D"}
    common = {"DatasetName": unique(kind), "Domain": "RETAIL", "DatasetType": dataset_type, "Schema": schema}
    return forecast.create_dataset(**common | frequency | more)["DatasetArn"]


def import_from(forecast, dataset: str, path: str, role: str, **more) -> str:
    """A running import job's ARN."""
    return forecast.create_dataset_import_job(
        DatasetImportJobName=unique("import"),
        DatasetArn=dataset,
        DataSource={"S3Config": {"Path": path, "RoleArn": role}},
        **{"TimestampFormat": "yyyy-MM-dd"} | more,
    )["DatasetImportJobArn"]


def import_ended(forecast, job: str) -> dict:
    return ended(forecast.describe_dataset_import_job, DatasetImportJobArn=job)


def sample_group(forecast, bucket: str, role: str, kinds: tuple[str, ...] = tuple(SCHEMAS)) -> Group:
    datasets = {kind: create_dataset(forecast, kind) for kind in kinds}
    folder = f"s3://{bucket}/forecasting/sample"
    imports = {kind: import_from(forecast, arn, f"{folder}/{kind}/", role) for kind, arn in datasets.items()}
    for job in imports.values():
        found = import_ended(forecast, job)
        assert found["Status"] == "ACTIVE", found
    group = forecast.create_dataset_group(
        DatasetGroupName=unique("group"), Domain="RETAIL", DatasetArns=list(datasets.values())
    )
    return Group(group["DatasetGroupArn"], datasets, imports)


def auto_predictor(forecast, group: Group, **more) -> str:
    return forecast.create_auto_predictor(
        PredictorName=unique("auto"),
        DataConfig={"DatasetGroupArn": group.arn},
        **{"ForecastFrequency": "D", "ForecastHorizon": 14} | more,
    )["PredictorArn"]


def single_predictor(forecast, group: Group, algorithm: str, **more) -> str:
    return forecast.create_predictor(
        PredictorName=unique("single"),
        AlgorithmArn=f"arn:aws:forecast:::algorithm/{algorithm}",
        InputDataConfig={"DatasetGroupArn": group.arn},
        FeaturizationConfig={"ForecastFrequency": "D"},
        **{"ForecastHorizon": 14} | more,
    )["PredictorArn"]


@dataclass(frozen=True)
class Shop:
    """Items that sell more the cheaper they are, their prices of the days to come, and what was made of them."""

    group: Group
    predictor: str
    baseline: str
    prices: pd.DataFrame  # (days, items) also of the horizon
    sold: pd.DataFrame  # the same, of the horizon what will be sold

    @property
    def ahead(self) -> pd.DatetimeIndex:
        return self.sold.index[-SHOP_HORIZON:]


SHOP_DAYS, SHOP_HORIZON, SHOP_ITEMS = 120, 7, 26  # beyond 10 items no member is slow


def priced_shop(forecast, bucket: str, role: str) -> Shop:
    """A monitored, explained AutoPredictor on prices and categories, and a forecast of it."""
    rng = np.random.default_rng(5)
    days = pd.date_range("2024-01-01", periods=SHOP_DAYS + SHOP_HORIZON)
    items = [f"item{number}" for number in range(SHOP_ITEMS)]
    prices = pd.DataFrame(rng.choice([5.0, 10.0], (len(days), len(items))), index=days, columns=items)
    prices[SHOP_DAYS:] = 10.0
    sold = pd.DataFrame(rng.poisson(300 / prices), index=days, columns=items)
    frames = {
        "target": long(sold[:SHOP_DAYS]),
        "related": long(prices),
        "metadata": pd.DataFrame({"item": items, "category": ["odd", "even"] * (len(items) // 2), "brand": "own"}),
    }
    datasets, imports = {}, {}
    for kind, frame in frames.items():
        datasets[kind] = create_dataset(forecast, kind)
        path = put_csv(bucket, f"priced/{kind}.csv", frame)
        imports[kind] = import_from(forecast, datasets[kind], path, role)
        assert import_ended(forecast, imports[kind])["Status"] == "ACTIVE"
    arn = forecast.create_dataset_group(
        DatasetGroupName=unique("priced"), Domain="RETAIL", DatasetArns=list(datasets.values())
    )["DatasetGroupArn"]
    group = Group(arn, datasets, imports)
    more = {"ExplainPredictor": True, "MonitorConfig": {"MonitorName": unique("watch")}}
    predictor = auto_predictor(
        forecast, group, ForecastHorizon=SHOP_HORIZON, ForecastTypes=["0.1", "0.5", "mean"], **more
    )
    found = ended(forecast.describe_auto_predictor, PredictorArn=predictor)
    assert found["Status"] == "ACTIVE", found
    baseline = forecast.create_forecast(ForecastName=unique("baseline"), PredictorArn=predictor)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=baseline)["Status"] == "ACTIVE"
    return Shop(group, predictor, baseline, prices, sold)


def long(frame: pd.DataFrame) -> pd.DataFrame:
    """item, timestamp, value of a frame (days, items)."""
    return frame.melt(ignore_index=False, var_name="item").reset_index().iloc[:, [1, 0, 2]]
