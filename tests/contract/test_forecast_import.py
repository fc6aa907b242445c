"""What an import refuses: each message names the file, the row, the column and the value."""

import boto3
import pandas as pd
import pytest

from localaws.settings import Settings
from tests.contract.clients import refused
from tests.contract.forecast_setup import (
    Group,
    auto_predictor,
    create_dataset,
    import_ended,
    import_from,
    sample_group,
)
from tests.contract.helpers import attributes, ended, logged, unique

GOOD = "milk,2024-01-01,5\nmilk,2024-01-02,6\n"


@pytest.fixture(scope="module")
def dataset(forecast) -> str:
    return create_dataset(forecast)


@pytest.mark.parametrize(
    ("name", "body", "more", "words"),
    [
        ("sales.csv", GOOD + "bread,2024-01-01,many\n", {}, ["row 3", "demand", "'many'", "float"]),
        ("sales.csv", GOOD + "bread\n", {}, ["row 3", "1 values, but 3 columns"]),
        ("sales.csv", b"milk,2024-01-01,5\nm\xff,2024-01-02,6\n", {}, ["row 2", "UTF-8"]),
        ("2024.csv", GOOD, {}, ["at least one letter"]),
        ("sales.parquet", GOOD, {"Format": "PARQUET"}, ["not a Parquet file"]),
        ("folder/", b"", {}, ["No file ending in .csv was found"]),
    ],
    ids=["number", "short row", "encoding", "name", "not parquet", "no csv"],
)
def test_a_bad_file_fails_the_import(
    forecast, dataset: str, bucket: str, forecast_role: str, name: str, body, more: dict, words: list[str]
) -> None:
    key = f"bad/{unique('file')}/{name}"
    boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    found = import_ended(forecast, import_from(forecast, dataset, f"s3://{bucket}/{key}", forecast_role, **more))
    assert found["Status"] == "CREATE_FAILED"
    for word in [f"s3://{bucket}/{key}", *words]:
        assert word in found["Message"], found["Message"]


def test_hours_may_be_asked_for_as_hh_and_are_those_of_a_day(
    forecast, bucket: str, forecast_role: str, dataset: str
) -> None:
    """As recorded: ACTIVE, with 23:00:00 among the times."""
    key = f"hh/{unique('file')}.csv"
    boto3.client("s3").put_object(
        Bucket=bucket, Key=key, Body="milk,2024-01-01 00:00:00,5\nmilk,2024-01-01 23:00:00,6\n"
    )
    hourly = create_dataset(forecast, DataFrequency="H")
    written = {"TimestampFormat": "yyyy-MM-dd hh:mm:ss"}
    found = import_ended(forecast, import_from(forecast, hourly, f"s3://{bucket}/{key}", forecast_role, **written))
    assert (found["Status"], found["TimestampFormat"]) == ("ACTIVE", written["TimestampFormat"]), found
    times = found["FieldStatistics"]["timestamp"]
    assert (times["Min"], times["Max"]) == ("2024-01-01T00:00:00Z", "2024-01-01T23:00:00Z")


def test_a_header_like_the_schema_is_skipped_and_every_file_of_a_folder_is_read(
    forecast, dataset: str, bucket: str, forecast_role: str
) -> None:
    s3, folder = boto3.client("s3"), f"all/{unique('files')}/"
    header = b"item_id,timestamp,demand\n"
    for name, day in (("a.csv", "01"), ("UP.CSV", "02"), ("text.txt", "03"), ("bare", "04")):
        s3.put_object(Bucket=bucket, Key=f"{folder}{name}", Body=header + f"milk,2024-01-{day},5\n".encode())
    s3.put_object(Bucket=bucket, Key=f"{folder}sub/", Body=b"")
    found = import_ended(forecast, import_from(forecast, dataset, f"s3://{bucket}/{folder}", forecast_role))
    assert (found["Status"], found["FieldStatistics"]["timestamp"]["CountDistinct"]) == ("ACTIVE", 4), found


def test_negative_demand_is_imported_and_the_log_names_it(
    embedded_aws: Settings, forecast, dataset: str, bucket: str, forecast_role: str
) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key="negative/returns.csv", Body=GOOD + "milk,2024-01-03,-4\n")
    found = import_ended(forecast, import_from(forecast, dataset, f"s3://{bucket}/negative/", forecast_role))
    assert (found["Status"], found["FieldStatistics"]["demand"]["Min"]) == ("ACTIVE", "-4.0")
    assert "Message" not in found  # the service says nothing about a job that succeeded
    said = logged(embedded_aws, found["DatasetImportJobArn"])
    assert f"s3://{bucket}/negative/returns.csv, row 3, demand: -4 is below zero" in said


def test_parquet_is_imported_by_the_names_of_its_columns(forecast, bucket: str, forecast_role: str) -> None:
    dataset = create_dataset(forecast)
    rows = pd.DataFrame({"demand": [5, 7], "timestamp": pd.to_datetime(["2024-01-01", "2024-01-02"]), "item_id": "m"})
    boto3.client("s3").put_object(Bucket=bucket, Key="parquet/file.parquet", Body=rows.to_parquet(index=False))
    boto3.client("s3").put_object(Bucket=bucket, Key="parquet/other.csv", Body="not,for,us,at all")
    path = f"s3://{bucket}/parquet/"
    found = import_ended(forecast, import_from(forecast, dataset, path, forecast_role, Format="PARQUET"))
    assert (found["Status"], found["Format"]) == ("ACTIVE", "PARQUET")
    assert list(found["FieldStatistics"]) == ["item_id", "timestamp", "demand"]
    assert found["FieldStatistics"]["demand"]["Max"] == "7.0"
    assert found["FieldStatistics"]["timestamp"]["Max"] == "2024-01-02T00:00:00Z"


def test_a_failed_import_leaves_the_data_of_the_last_good_one(forecast, bucket: str, forecast_role: str) -> None:
    """A predictor trains on the good file although a bad one came later."""
    dataset, s3 = create_dataset(forecast), boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="kept/good.csv", Body=GOOD)
    s3.put_object(Bucket=bucket, Key="kept/bad.csv", Body=GOOD + "x")
    good = import_from(forecast, dataset, f"s3://{bucket}/kept/good.csv", forecast_role)
    assert import_ended(forecast, good)["Status"] == "ACTIVE"
    bad = import_from(forecast, dataset, f"s3://{bucket}/kept/bad.csv", forecast_role)
    assert import_ended(forecast, bad)["Status"] == "CREATE_FAILED"
    group = forecast.create_dataset_group(DatasetGroupName=unique("kept"), Domain="RETAIL", DatasetArns=[dataset])
    arn = forecast.create_predictor(
        PredictorName=unique("kept"),
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        ForecastHorizon=1,
        InputDataConfig={"DatasetGroupArn": group["DatasetGroupArn"]},
        FeaturizationConfig={"ForecastFrequency": "D"},
    )["PredictorArn"]
    assert forecast.describe_predictor(PredictorArn=arn)["DatasetImportJobArns"] == [good]
    ended(forecast.describe_predictor, PredictorArn=arn)
    forecast.delete_resource_tree(ResourceArn=group["DatasetGroupArn"])


def test_an_import_that_cannot_start(forecast, dataset: str, bucket: str, forecast_role: str) -> None:
    path = f"s3://{bucket}/forecasting/sample/target/"
    for more, words in (
        ({"TimestampFormat": "dd.MM.yyyy"}, ["TimestampFormat", "dd.MM.yyyy", "yyyy-MM-dd"]),
        ({"TimeZone": "Europe/Atlantis"}, ["TimeZone", "Europe/Atlantis", "Europe/Berlin"]),
        ({"GeolocationFormat": "LAT_LONG"}, ["GeolocationFormat", "geolocation in the schema"]),
        ({"UseGeolocationForTimeZone": True}, ["UseGeolocationForTimeZone", "geolocation in the schema"]),
    ):
        refused("InvalidInputException", lambda more=more: import_from(forecast, dataset, path, forecast_role, **more),
                *words)  # fmt: skip
    refused("ResourceNotFoundException", lambda: import_from(forecast, dataset + "x", path, forecast_role), dataset)


def test_an_import_may_name_its_time_zone_or_take_it_from_its_places(forecast, bucket: str, forecast_role: str) -> None:
    schema = attributes(item_id="string", timestamp="timestamp", demand="float", place="geolocation")
    dataset = create_dataset(forecast, Schema=schema)
    boto3.client("s3").put_object(Bucket=bucket, Key="places/file.csv", Body="milk,2024-01-01,5,47.61_-122.33\n")
    refused("InvalidInputException", import_from, "GeolocationFormat", "'ZIP'", "CC_POSTALCODE", forecast=forecast,
            dataset=dataset, path=f"s3://{bucket}/places/", role=forecast_role, GeolocationFormat="ZIP")  # fmt: skip
    both = {"TimeZone": "UTC", "UseGeolocationForTimeZone": True}
    refused("InvalidInputException", import_from, "either TimeZone or", forecast=forecast,
            dataset=dataset, path=f"s3://{bucket}/places/", role=forecast_role, **both)  # fmt: skip
    for more in ({"TimeZone": "America/Los_Angeles"}, {"UseGeolocationForTimeZone": True}):
        given = {"GeolocationFormat": "LAT_LONG", **more}
        found = import_ended(forecast, import_from(forecast, dataset, f"s3://{bucket}/places/", forecast_role, **given))
        assert found["Status"] == "ACTIVE", found
        assert {name: found[name] for name in given} == given


# The guide's pages docs/aws-sources.md#forecast-retail-domain ... docs/aws-sources.md#forecast-custom-domain: item,
# target, a dimension, a feature, metadata.
DOMAINS = {
    "RETAIL": ("item_id", "demand", "float", "location", "price", "brand"),
    "INVENTORY_PLANNING": ("item_id", "demand", "float", "location", "price", "lead_time"),
    "EC2_CAPACITY": ("instance_type", "number_of_instances", "integer", "location", "spot_price", None),
    "WORK_FORCE": ("workforce_type", "workforce_demand", "float", "location", "openings", "shift_length"),
    "WEB_TRAFFIC": ("item_id", "value", "float", None, "campaign", "category"),
    "METRICS": ("metric_name", "metric_value", "float", None, "budget", "category"),
    "CUSTOM": ("item_id", "target_value", "float", None, "price", "category"),
}


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_domains_have_their_fields(forecast, domain: str) -> None:
    item, target, kind, dimension, feature, about = DOMAINS[domain]
    required = {item: "string", "timestamp": "timestamp"}
    optional = {dimension: "string"} if dimension else {}
    kinds = {
        "TARGET_TIME_SERIES": (required | {target: kind}, optional),
        "RELATED_TIME_SERIES": (required | {feature: "float"}, optional),
    }
    if about:
        kinds["ITEM_METADATA"] = ({item: "string"}, {about: "string"})

    def create(dataset_type: str, fields: dict) -> str:
        frequency = {} if dataset_type == "ITEM_METADATA" else {"DataFrequency": "15min"}
        schema = attributes(**fields)
        common = {"DatasetName": unique("domain"), "Domain": domain, "DatasetType": dataset_type, "Schema": schema}
        return forecast.create_dataset(**common, **frequency)["DatasetArn"]

    arns = [create(dataset_type, fields | more) for dataset_type, (fields, more) in kinds.items()]
    group = forecast.create_dataset_group(DatasetGroupName=unique("domain"), Domain=domain, DatasetArns=arns)
    assert forecast.describe_dataset_group(DatasetGroupArn=group["DatasetGroupArn"])["Domain"] == domain
    for dataset_type, (fields, more) in kinds.items():
        for missing in fields:
            rest = {name: kind for name, kind in (fields | more).items() if name != missing}
            word = "integer or float" if missing == feature else missing
            refused("InvalidInputException", lambda dataset_type=dataset_type, rest=rest: create(dataset_type, rest),
                    word)  # fmt: skip
    forecast.delete_dataset_group(DatasetGroupArn=group["DatasetGroupArn"])
    for arn in arns:
        forecast.delete_dataset(DatasetArn=arn)


TARGET = {"item_id": "string", "timestamp": "timestamp", "demand": "float"}
RELATED = {"item_id": "string", "timestamp": "timestamp", "price": "float"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Schema": TARGET | {"timestamp": "string"}}, ["timestamp", "string"]),
        ({"Schema": TARGET | {"demand": "string"}}, ["demand", "float"]),
        ({"Schema": TARGET | {"size": "float"}}, ["TARGET_TIME_SERIES", "'size': 'float'", "string"]),
        ({"Schema": TARGET | {"Size": "string"}}, ["Size", "reserves", "rename"]),
        ({"Schema": TARGET, "DataFrequency": "14X"}, ["14X"]),
        ({"Schema": TARGET, "DatasetType": "ITEM_METADATA"}, ["ITEM_METADATA", "string"]),
        ({"Schema": TARGET, "Domain": "METRICS"}, ["METRICS", "metric_name"]),
        ({"Schema": RELATED | {"demand": "float"}, "DatasetType": "RELATED_TIME_SERIES"}, ["target", "demand"]),
        (
            {
                "Schema": RELATED | {f"feature_{at}": "float" for at in range(13)},
                "DatasetType": "RELATED_TIME_SERIES",
            },
            ["1 to 13", "feature_12"],
        ),
    ],
)
def test_a_dataset_that_breaks_its_domain(forecast, changes: dict, words: list[str]) -> None:
    changes = changes | {"Schema": attributes(**changes["Schema"])}
    good = {"DatasetName": unique("bad"), "Domain": "RETAIL", "DatasetType": "TARGET_TIME_SERIES"}
    refused("InvalidInputException", forecast.create_dataset, *words, **{**good, "DataFrequency": "D", **changes})


def test_a_group_takes_one_dataset_of_each_type_and_of_its_domain(forecast, dataset: str) -> None:
    create, other = forecast.create_dataset_group, create_dataset(forecast)
    both = {"DatasetGroupName": unique("both"), "DatasetArns": [dataset, other]}
    refused("InvalidInputException", create, "one dataset of each type", Domain="RETAIL", **both)
    alone = {"DatasetGroupName": unique("alone"), "DatasetArns": [dataset]}
    refused("InvalidInputException", create, "METRICS", Domain="METRICS", **alone)
    group = create(Domain="RETAIL", **alone)["DatasetGroupArn"]
    refused("ResourceAlreadyExistsException", create, group, Domain="RETAIL", **alone)
    forecast.update_dataset_group(DatasetGroupArn=group, DatasetArns=[other])
    assert forecast.describe_dataset_group(DatasetGroupArn=group)["DatasetArns"] == [other]
    forecast.delete_dataset_group(DatasetGroupArn=group)


def test_predictors_that_cannot_start(forecast, dataset: str) -> None:
    empty = forecast.create_dataset_group(DatasetGroupName=unique("empty"), Domain="RETAIL")["DatasetGroupArn"]
    good = {"PredictorName": unique("none"), "ForecastHorizon": 14}
    auto = {**good, "ForecastFrequency": "D", "DataConfig": {"DatasetGroupArn": empty}}
    create = forecast.create_auto_predictor
    refused("InvalidInputException", create, "TARGET_TIME_SERIES", "imported", **auto)
    refused("InvalidInputException", create, "ForecastFrequency", **good, DataConfig={"DatasetGroupArn": empty})
    six = [f"0.{digit}" for digit in range(1, 7)]
    refused("InvalidInputException", create, "five", **auto, ForecastTypes=six)
    single = {**good, "InputDataConfig": {"DatasetGroupArn": empty}, "FeaturizationConfig": {"ForecastFrequency": "D"}}
    create = forecast.create_predictor
    refused("InvalidInputException", create, "AlgorithmArn", **single)
    refused("InvalidInputException", create, "XGBoost", "algorithm/ETS", **single,
            AlgorithmArn="arn:aws:forecast:::algorithm/XGBoost")  # fmt: skip
    forecast.delete_dataset_group(DatasetGroupArn=empty)


def test_frequencies_of_data_and_forecast_must_fit(forecast, bucket: str, forecast_role: str) -> None:
    """docs/aws-sources.md#forecast-API_CreateAutoPredictor; docs/aws-sources.md#forecast-related-time-series-datasets:
    related series are never aggregated."""
    group = sample_group(forecast, bucket, forecast_role, ("target", "related"))
    for more, words in (
        ({"ForecastFrequency": "H"}, ["ForecastFrequency H", "finer", "DataFrequency D"]),
        ({"ForecastFrequency": "W"}, ["ForecastFrequency W", "must equal DataFrequency D", "never aggregated"]),
        ({"TimeAlignmentBoundary": {"DayOfWeek": "SUNDAY"}}, ["TimeAlignmentBoundary", "D", "Hour", "DayOfWeek"]),
    ):
        refused("InvalidInputException", lambda more=more: auto_predictor(forecast, group, **more), *words)
    forecast.delete_resource_tree(ResourceArn=group.arn)


def test_weeks_from_sunday_to_saturday(forecast, forecastquery, bucket: str, forecast_role: str) -> None:
    """TimeAlignmentBoundary: daily demand in weeks of one's own, in the forecast too."""
    group = sample_group(forecast, bucket, forecast_role, ("target",))
    boundary = {"DayOfWeek": "SUNDAY"}
    predictor = auto_predictor(
        forecast, group, ForecastFrequency="W", ForecastHorizon=2, TimeAlignmentBoundary=boundary
    )
    found = ended(forecast.describe_auto_predictor, PredictorArn=predictor)
    assert (found["Status"], found["TimeAlignmentBoundary"]) == ("ACTIVE", boundary), found.get("Message")
    arn = forecast.create_forecast(ForecastName=unique("weeks"), PredictorArn=predictor)["ForecastArn"]
    assert ended(forecast.describe_forecast, ForecastArn=arn)["Status"] == "ACTIVE"
    points = forecastquery.query_forecast(ForecastArn=arn, Filters={"item_id": "coffee"})["Forecast"]["Predictions"][
        "p50"
    ]
    assert [pd.Timestamp(point["Timestamp"]).day_name() for point in points] == ["Sunday", "Sunday"]
    forecast.delete_resource_tree(ResourceArn=group.arn)


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("related", "milk,2024-01-{:02},1.5\n", ["'price' of item_id='milk' is missing at 2024-01-22"]),
        ("metadata", "bread,food,best\n", ["must be in the metadata", "item_id='milk'"]),
    ],
)
def test_data_that_do_not_fit_the_target_fail_the_predictor(
    forecast, bucket: str, forecast_role: str, kind: str, body: str, words: list[str]
) -> None:
    """A related series that has values in the horizon, but not to its end; an item without metadata."""
    target = "".join(f"milk,2024-01-{day:02},{day}\n" for day in range(1, 21))
    datasets = {"target": target, kind: "".join(dict.fromkeys(body.format(day) for day in range(1, 22)))}
    arns = []
    for each, text in datasets.items():
        key = f"unfit/{kind}/{each}.csv"
        boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=text)
        arns.append(create_dataset(forecast, each))
        done = import_ended(forecast, import_from(forecast, arns[-1], f"s3://{bucket}/{key}", forecast_role))
        assert done["Status"] == "ACTIVE", done
    group = forecast.create_dataset_group(DatasetGroupName=unique("unfit"), Domain="RETAIL", DatasetArns=arns)
    found = ended(
        forecast.describe_auto_predictor,
        PredictorArn=auto_predictor(forecast, Group(group["DatasetGroupArn"], {}, {}), ForecastHorizon=3),
    )
    assert found["Status"] == "CREATE_FAILED"
    assert all(word in found["Message"] for word in words), found["Message"]
    forecast.delete_resource_tree(ResourceArn=group["DatasetGroupArn"])
