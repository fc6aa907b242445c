"""The embedded AWS answers as the real services were recorded: the same members, types, empty values and formats.

A member that all recordings of an operation have must be in our answer; a member that none has must not be, unless
`NEWER` says why. Times are compared as times. `recorded/README.md` says where the recordings come from.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import pytest

from localaws.services.forecast.resource_types import STATES as FORECAST_STATES
from localaws.services.personalize.resource_types import BATCH_INFERENCE_STATES
from localaws.services.personalize.resource_types import STATES as PERSONALIZE_STATES
from storecast_engines.files import time_series
from tests.contract.clients import client
from tests.contract.forecast_setup import import_ended, sample_group
from tests.contract.helpers import ended, unique
from tests.contract.personalize_setup import PERSONAL, RANKING, RECIPE, create_group, import_sample
from tests.recordings import FOLDER, samples

_AUTOMATIC = "came with automatic training in 2024, after the recordings"
# Members that the newest recording of the operation cannot have, with the reason.
NEWER: dict[tuple[str, str], dict[str, str]] = {
    ("forecast", "GetAccuracyMetrics"): {".OptimizationMetric": "added in November 2021"},
    ("forecast", "ListDatasetGroups"): {".NextToken": "the recorded account has no more groups than a page takes"},
    ("personalize", "DescribeSolution"): {
        ".solution.performAutoTraining": _AUTOMATIC,
        ".solution.latestSolutionVersion.trainingMode": _AUTOMATIC,
        ".solution.latestSolutionVersion.trainingType": _AUTOMATIC,
    },
    ("personalize", "DescribeSolutionVersion"): {".solutionVersion.trainingType": _AUTOMATIC},
    ("forecast", "DescribePredictor"): {
        ".OptimizationMetric": "added in November 2021",
        ".IsAutoPredictor": "added in November 2021",
    },
}


def members(value: Any, path: str = "") -> Iterator[str]:
    """The path and type of every leaf: `.Schema.Attributes[].AttributeName text`. The keys of maps that are data
    (statistics by field, predictions by quantile, metadata by column) count as `*`."""
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if name != "ResponseMetadata"}
        if not value:
            yield f"{path} empty"
        for name, each in value.items():
            yield from members(each, f"{path}.{'*' if path.endswith(DATA_MAPS) else name}")
    elif isinstance(value, list):
        if not value:
            yield f"{path}[] empty"
        for each in value:
            yield from members(each, f"{path}[]")
    else:
        yield f"{path} {_kind(value)}"


# Maps whose keys are data: statistics by field, predictions by quantile, metadata by column.
DATA_MAPS = (".FieldStatistics", ".Predictions", ".metadata", ".TrainingParameters", ".metrics")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, datetime):
        return "time"
    if isinstance(value, str):
        return "time" if _TIME.fullmatch(value) else "text"
    return "number"


@pytest.fixture(scope="module")
def forecast_answers(bucket: str, forecast_role: str) -> dict[str, list[dict]]:
    """What our Forecast answers, by operation, about resources like those of the recordings."""
    forecast, query = client("forecast"), client("forecastquery")
    group = sample_group(forecast, bucket, forecast_role)
    empty = forecast.create_dataset_group(DatasetGroupName=unique("empty"), Domain="RETAIL")["DatasetGroupArn"]
    made = forecast.create_predictor(
        PredictorName=unique("legacy"),
        AlgorithmArn="arn:aws:forecast:::algorithm/NPTS",
        ForecastHorizon=14,
        InputDataConfig={
            "DatasetGroupArn": group.arn,
            "SupplementaryFeatures": [{"Name": "holiday", "Value": "US"}],
        },
        FeaturizationConfig={"ForecastFrequency": "D"},
    )
    predictor = made["PredictorArn"]
    found = ended(forecast.describe_predictor, PredictorArn=predictor)
    assert found["Status"] == "ACTIVE", found
    made_forecast = forecast.create_forecast(ForecastName=unique("forecast"), PredictorArn=predictor)
    arn = made_forecast["ForecastArn"]
    described = ended(forecast.describe_forecast, ForecastArn=arn)
    assert described["Status"] == "ACTIVE", described
    destination = {"S3Config": {"Path": f"s3://{bucket}/{unique('recorded')}/", "RoleArn": forecast_role}}
    export = forecast.create_forecast_export_job(
        ForecastExportJobName=unique("export"), ForecastArn=arn, Destination=destination
    )
    exported = ended(forecast.describe_forecast_export_job, ForecastExportJobArn=export["ForecastExportJobArn"])
    backtest = forecast.create_predictor_backtest_export_job(
        PredictorBacktestExportJobName=unique("backtest"), PredictorArn=predictor, Destination=destination
    )
    backtest_arn = backtest["PredictorBacktestExportJobArn"]
    ended(forecast.describe_predictor_backtest_export_job, PredictorBacktestExportJobArn=backtest_arn)
    asked = {"PredictorName": unique("auto"), "ForecastHorizon": 14, "ForecastFrequency": "D"}
    twins = [forecast.create_auto_predictor(**asked, DataConfig={"DatasetGroupArn": group.arn}) for _ in range(2)]
    listed = forecast.list_predictors()
    for each in twins:
        forecast.stop_resource(ResourceArn=each["PredictorArn"])
    return {
        "CreateAutoPredictor": twins,
        "CreatePredictor": [made],
        "CreateForecast": [made_forecast],
        "CreateForecastExportJob": [export],
        "CreatePredictorBacktestExportJob": [backtest],
        "DescribeDataset": [forecast.describe_dataset(DatasetArn=each) for each in group.datasets.values()],
        "DescribeDatasetGroup": [forecast.describe_dataset_group(DatasetGroupArn=each) for each in (group.arn, empty)],
        "DescribeDatasetImportJob": [import_ended(forecast, each) for each in group.imports.values()],
        "DescribePredictor": [found],
        "DescribeForecast": [described],
        "DescribeForecastExportJob": [exported],
        "GetAccuracyMetrics": [forecast.get_accuracy_metrics(PredictorArn=predictor)],
        "ListDatasetGroups": [forecast.list_dataset_groups(MaxResults=3)],
        "ListPredictors": [listed],
        "QueryForecast": [query.query_forecast(ForecastArn=arn, Filters={"item_id": "milk"})],
        "UpdateDatasetGroup": [forecast.update_dataset_group(DatasetGroupArn=empty, DatasetArns=[])],
        "DeletePredictorBacktestExportJob": [
            forecast.delete_predictor_backtest_export_job(PredictorBacktestExportJobArn=backtest_arn)
        ],
        "DeleteDatasetGroup": [forecast.delete_dataset_group(DatasetGroupArn=empty)],
    }


@pytest.fixture(scope="module")
def personalize_answers(bucket: str, personalize_role: str) -> dict[str, list[dict]]:
    """What our Personalize answers, by operation, about resources like those of the recordings."""
    personalize, runtime = client("personalize"), client("personalize-runtime")
    group = create_group(personalize, domain=None)
    import_sample(personalize, group, bucket, personalize_role)
    solutions = {
        recipe: personalize.create_solution(
            performAutoTraining=False, name=unique("solution"), datasetGroupArn=group.arn, recipeArn=RECIPE + recipe
        )
        for recipe in (PERSONAL, RANKING)
    }
    before = personalize.describe_solution(solutionArn=solutions[PERSONAL]["solutionArn"])
    for made in solutions.values():
        ended(personalize.describe_solution, "solution", solutionArn=made["solutionArn"])
    versions = [personalize.create_solution_version(solutionArn=each["solutionArn"]) for each in solutions.values()]
    for version in versions:
        ended(personalize.describe_solution_version, "solutionVersion", **version_arn(version))
    campaigns = [
        personalize.create_campaign(
            name=unique("campaign"), solutionVersionArn=version["solutionVersionArn"], minProvisionedTPS=1
        )
        for version in versions
    ]
    for made in campaigns:
        ended(personalize.describe_campaign, "campaign", campaignArn=made["campaignArn"])
    plain = personalize.describe_campaign(campaignArn=campaigns[0]["campaignArn"])
    updated = personalize.update_campaign(
        campaignArn=campaigns[1]["campaignArn"], solutionVersionArn=versions[1]["solutionVersionArn"]
    )
    recommended = runtime.get_recommendations(campaignArn=campaigns[0]["campaignArn"], userId="u001")
    ranked = runtime.get_personalized_ranking(
        campaignArn=campaigns[1]["campaignArn"], userId="u001", inputList=["i01", "i02", "i03", "never seen"]
    )
    return {
        "DescribeSolution": [before, personalize.describe_solution(solutionArn=solutions[PERSONAL]["solutionArn"])],
        "DescribeSolutionVersion": [personalize.describe_solution_version(**version_arn(each)) for each in versions],
        "GetSolutionMetrics": [personalize.get_solution_metrics(**version_arn(each)) for each in versions],
        "CreateSolution": list(solutions.values()),
        "CreateSolutionVersion": versions,
        "CreateCampaign": campaigns,
        "UpdateCampaign": [updated],
        "DescribeCampaign": [plain, personalize.describe_campaign(campaignArn=campaigns[1]["campaignArn"])],
        "DescribeDataset": [personalize.describe_dataset(datasetArn=each) for each in group.datasets.values()],
        "DescribeDatasetGroup": [personalize.describe_dataset_group(datasetGroupArn=group.arn)],
        "DescribeSchema": [personalize.describe_schema(schemaArn=each) for each in group.schemas.values()],
        "ListRecipes": [personalize.list_recipes()],
        "GetRecommendations": [recommended],
        "GetPersonalizedRanking": [ranked],
    }


def version_arn(answer: dict) -> dict[str, str]:
    return {"solutionVersionArn": answer["solutionVersionArn"]}


FORECAST = [
    "CreateForecast",
    "CreateForecastExportJob",
    "CreatePredictor",
    "CreatePredictorBacktestExportJob",
    "DeleteDatasetGroup",
    "DeletePredictorBacktestExportJob",
    "DescribeDataset",
    "DescribeDatasetGroup",
    "DescribeDatasetImportJob",
    "DescribeForecast",
    "DescribeForecastExportJob",
    "DescribePredictor",
    "GetAccuracyMetrics",
    "ListDatasetGroups",
    "ListPredictors",
    "UpdateDatasetGroup",
]
PERSONALIZE = [
    "CreateCampaign",
    "CreateSolution",
    "CreateSolutionVersion",
    "DescribeCampaign",
    "DescribeDataset",
    "DescribeDatasetGroup",
    "DescribeSchema",
    "DescribeSolution",
    "DescribeSolutionVersion",
    "GetSolutionMetrics",
    "ListRecipes",
    "UpdateCampaign",
]


@pytest.mark.parametrize("operation", FORECAST)
def test_forecast_answers_with_the_members_of_the_recordings(forecast_answers: dict, operation: str) -> None:
    assert differences("forecast", operation, forecast_answers[operation]) == []


def test_forecastquery_answers_with_the_members_of_the_recordings(forecast_answers: dict) -> None:
    assert differences("forecastquery", "QueryForecast", forecast_answers["QueryForecast"]) == []


@pytest.mark.parametrize("operation", PERSONALIZE)
def test_personalize_answers_with_the_members_of_the_recordings(personalize_answers: dict, operation: str) -> None:
    assert differences("personalize", operation, personalize_answers[operation]) == []


@pytest.mark.parametrize("operation", ["GetRecommendations", "GetPersonalizedRanking"])
def test_requests_in_real_time_answer_with_the_members_of_the_recordings(
    personalize_answers: dict, operation: str
) -> None:
    assert differences("personalize-runtime", operation, personalize_answers[operation]) == []


def test_statistics_of_a_column_have_the_members_of_the_recordings_by_its_type(forecast_answers: dict) -> None:
    def kinds(answers: list[dict]) -> dict[str, set[str]]:
        return {_column_kind(each): set(each) for answer in answers for each in answer["FieldStatistics"].values()}

    newest = max(samples("forecast", "DescribeDatasetImportJob"), key=lambda each: each["recorded"])["response"]
    assert kinds(forecast_answers["DescribeDatasetImportJob"]) == kinds([newest])


def _column_kind(statistics: dict) -> str:
    if "Avg" in statistics:
        return "number"
    return "time" if "Min" in statistics else "text"


def test_counts_leave_missing_values_out_and_numbers_are_written_as_recorded(forecast_answers: dict) -> None:
    ours = [each["FieldStatistics"] for each in forecast_answers["DescribeDatasetImportJob"]]
    recorded = [
        each["response"]["FieldStatistics"]
        for each in samples("forecast", "DescribeDatasetImportJob")
        if "FieldStatistics" in each["response"]
    ]
    for statistics in (column for found in (*ours, *recorded) for column in found.values()):
        if _column_kind(statistics) == "time":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", statistics["Max"]), statistics
        elif _column_kind(statistics) == "number":
            assert statistics["Max"] == time_series.double(float(statistics["Max"])), statistics
    sizes = [each["response"].get("DataSize") for each in samples("forecast", "DescribeDatasetImportJob")]
    sizes += [each["DataSize"] for each in forecast_answers["DescribeDatasetImportJob"]]
    assert all(size * 2**30 % 1 == 0 for size in sizes if size), "DataSize is in units of 2^30 bytes"


def test_quantile_losses_come_in_descending_order_of_the_quantiles(forecast_answers: dict) -> None:
    recorded = [each["response"] for each in samples("forecast", "GetAccuracyMetrics")]
    for answer in (*recorded, *forecast_answers["GetAccuracyMetrics"]):
        for window in answer["PredictorEvaluationResults"][0]["TestWindows"]:
            quantiles = [each["Quantile"] for each in window["Metrics"]["WeightedQuantileLosses"]]
            assert quantiles == sorted(quantiles, reverse=True) and len(quantiles) == 3


SHAPES = {  # the placeholders of arns.json
    "<region>": r"[a-z]{2}-[a-z]+-\d",
    "<account>": r"\d{12}",
    "<name>": r"[\w-]+?",
    "<id8hex>": "[0-9a-f]{8}",
    "<ULID>": "[0-7][0-9A-HJKMNP-TV-Z]{25}",
}


@cache
def arn_shapes() -> dict[str, list[str]]:
    """By service and type of resource, the regular expressions of arns.json, the most particular ones first."""
    found: dict[str, list[str]] = {}
    for each in json.loads((FOLDER / "arns.json").read_text()):
        kind = (each["shape"].split(":")[2], each["shape"].split(":")[5].split("/")[0])
        pattern = "".join(SHAPES.get(part, re.escape(part)) for part in re.split("(<[^>]+>)", each["shape"]))
        found.setdefault(":".join(kind), []).append(pattern)
    return found


def arns_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from arns_in(each)
    elif isinstance(value, str) and value.startswith("arn:aws:"):
        yield value


def test_arns_have_the_shapes_of_the_recordings(forecast_answers: dict, personalize_answers: dict) -> None:
    known, seen = arn_shapes(), set()
    for arn in {*arns_in(forecast_answers), *arns_in(personalize_answers)}:
        kind = f"{arn.split(':')[2]}:{arn.split(':')[5].split('/')[0]}"
        if kind in known:
            seen.add(kind)
            assert any(re.fullmatch(pattern, arn) for pattern in known[kind]), arn
    assert len(seen) >= 14, seen


def test_the_arn_of_an_auto_predictor_ends_in_an_id_and_its_name_may_be_given_twice(forecast_answers: dict) -> None:
    first, second = (each["PredictorArn"] for each in forecast_answers["CreateAutoPredictor"])
    pattern = next(each for each in arn_shapes()["forecast:predictor"] if SHAPES["<ULID>"] in each)
    assert first != second and all(re.fullmatch(pattern, arn) for arn in (first, second))
    listed = {each["PredictorArn"]: each for each in forecast_answers["ListPredictors"][0]["Predictors"]}
    assert listed[first]["PredictorName"] == listed[second]["PredictorName"]


def _decimals(number: float) -> int:
    return len(f"{number:.12f}".rstrip("0").partition(".")[2])


def test_metrics_have_four_decimals_and_scores_seven(personalize_answers: dict) -> None:
    recorded = [each["response"] for each in samples("personalize", "GetSolutionMetrics")]
    metrics = [each["metrics"] for each in (*recorded, *personalize_answers["GetSolutionMetrics"])]
    assert max(_decimals(value) for found in metrics for value in found.values()) == 4
    names = {name for each in samples("personalize", "GetSolutionMetrics") for name in each["response"]["metrics"]}
    assert {name for each in personalize_answers["GetSolutionMetrics"] for name in each["metrics"]} == names
    recorded = [each["response"] for each in samples("personalize-runtime", "GetRecommendations")]
    items = [each["itemList"] for each in (*recorded, *personalize_answers["GetRecommendations"])]
    scores = [item["score"] for found in items for item in found if "score" in item]
    assert max(map(_decimals, scores)) == 7
    assert any("score" in item for item in personalize_answers["GetRecommendations"][0]["itemList"])


def test_recommendation_ids_have_the_form_of_the_newest_recordings(personalize_answers: dict) -> None:
    form = "RID-[0-9a-f]{2}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-CID-[0-9a-f]{6}"
    recorded = [each for each in samples("personalize-runtime", "GetRecommendations") if each["recorded"] > "2024"]
    answers = [each["response"] for each in recorded]
    answers += [*personalize_answers["GetRecommendations"], *personalize_answers["GetPersonalizedRanking"]]
    assert len(recorded) >= 3
    assert all(re.fullmatch(form, each["recommendationId"]) for each in answers if "recommendationId" in each)


def test_recipes_are_listed_by_name_and_in_pages(personalize_answers: dict) -> None:
    recorded = [each["response"] for each in samples("personalize", "ListRecipes")]
    assert any("nextToken" in each for each in recorded)
    (ours,) = personalize_answers["ListRecipes"]
    for answer in (*recorded, ours):
        names = [each["name"] for each in answer["recipes"]]
        assert names == sorted(names)
    assert ours["nextToken"]


def test_lists_of_forecast_have_the_newest_first(forecast_answers: dict) -> None:
    for service_list, member in (("ListDatasetGroups", "DatasetGroups"), ("ListPredictors", "Predictors")):
        recorded = [each["response"] for each in samples("forecast", service_list)]
        for answer in (*recorded, *forecast_answers[service_list]):
            times = [str(each["CreationTime"]) for each in answer[member]]
            assert times == sorted(times, reverse=True)
        assert len(forecast_answers[service_list][0][member]) > 1


def test_batch_and_dataset_statuses_are_those_that_notebooks_printed() -> None:
    printed: dict[str, set[str]] = {}
    for each in json.loads((FOLDER / "statuses.json").read_text()):
        printed.setdefault(each["called in the cell"], set()).add(each["status printed"])
    service = {"forecast": FORECAST_STATES, "personalize": PERSONALIZE_STATES}
    known = {name: {states.pending, states.in_progress, states.done} for name, states in service.items()}
    batch = BATCH_INFERENCE_STATES
    assert printed["describe_batch_inference_job"] == {batch.pending, batch.in_progress, batch.done}
    assert printed["describe_solution_version"] == printed["describe_campaign"] == known["personalize"]
    assert printed["describe_predictor"] == printed["describe_forecast"] == known["forecast"]
    assert {"UPDATE PENDING", "UPDATE IN_PROGRESS"} < printed["describe_dataset"]


def differences(service: str, operation: str, answers: list[dict]) -> list[str]:
    """Members that every recording has and no answer of ours, and members that only ours have."""
    recorded = [set(members(each["response"])) for each in samples(service, operation)]
    ours = set.union(*(set(members(each)) for each in answers))
    newer = NEWER.get((service, operation), {})
    extra = {each for each in ours - set.union(*recorded) if each.split()[0] not in newer}
    missing = set.intersection(*recorded) - ours
    return sorted([f"extra: {each}" for each in extra] + [f"missing: {each}" for each in missing])
