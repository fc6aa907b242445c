"""Personalize answers as it was recorded: the same members, types, empty values, orders and formats."""

import re
from datetime import datetime

import boto3
import pytest

from tests.contract.clients import client
from tests.contract.helpers import ended, gone, unique
from tests.contract.personalize_setup import (
    ITEM_AFFINITY,
    PERSONAL,
    RANKING,
    VIEWS,
    create_group,
    create_recommenders,
    create_solutions,
    create_versions,
    import_sample,
)
from tests.contract.recorded_shapes import differences, listening, misshapen
from tests.recordings import FOLDER, samples


@pytest.fixture(scope="module")
def answers(bucket: str, out: str, exporter: str) -> dict[str, list[dict]]:
    """What our Personalize answers, by operation, about resources like those of the recordings."""
    personalize, runtime, events = client("personalize"), client("personalize-runtime"), client("personalize-events")
    heard = listening(personalize, runtime, events)
    _custom(personalize, runtime, bucket, out, exporter)
    _of_a_domain(personalize, events, bucket, out, exporter)
    personalize.list_dataset_groups()
    personalize.list_recipes()
    return heard


def _custom(personalize, runtime, bucket: str, out: str, exporter: str) -> None:
    group = create_group(personalize, domain=None)
    import_sample(personalize, group, bucket, exporter)
    personalize.describe_dataset_group(datasetGroupArn=group.arn)
    for each in group.schemas.values():
        personalize.describe_schema(schemaArn=each)
    solutions = create_solutions(personalize, group, PERSONAL, RANKING)
    versions = create_versions(personalize, solutions)
    for recipe, solution in solutions.items():
        personalize.describe_solution(solutionArn=solution)
        personalize.get_solution_metrics(solutionVersionArn=versions[recipe])
    campaigns = {
        recipe: personalize.create_campaign(name=unique("campaign"), solutionVersionArn=version, minProvisionedTPS=1)[
            "campaignArn"
        ]
        for recipe, version in versions.items()
    }
    for campaign in campaigns.values():
        ended(personalize.describe_campaign, "campaign", campaignArn=campaign)
    personalize.update_campaign(campaignArn=campaigns[RANKING], solutionVersionArn=versions[RANKING])
    personalize.describe_campaign(campaignArn=campaigns[RANKING])
    runtime.get_recommendations(campaignArn=campaigns[PERSONAL], userId="u001")
    listed = ["i01", "i02", "i03", "never seen"]
    runtime.get_personalized_ranking(campaignArn=campaigns[RANKING], userId="u001", inputList=listed)
    boto3.client("s3").put_object(Bucket=out, Key="recorded/in.json", Body=b'{"userId": "u001"}')
    batch = personalize.create_batch_inference_job(
        jobName=unique("batch"),
        solutionVersionArn=versions[PERSONAL],
        roleArn=exporter,
        jobInput={"s3DataSource": {"path": f"s3://{out}/recorded/in.json"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{out}/recorded/out/"}},
    )["batchInferenceJobArn"]
    found = ended(personalize.describe_batch_inference_job, "batchInferenceJob", batchInferenceJobArn=batch)
    assert found["status"] == "ACTIVE", found
    personalize.delete_campaign(campaignArn=campaigns[PERSONAL])
    versions = create_versions(personalize, create_solutions(personalize, group, ITEM_AFFINITY))
    boto3.client("s3").put_object(Bucket=out, Key="recorded/items.json", Body=b'{"itemId": "i01"}')
    segments = personalize.create_batch_segment_job(
        jobName=unique("segments"),
        solutionVersionArn=versions[ITEM_AFFINITY],
        roleArn=exporter,
        jobInput={"s3DataSource": {"path": f"s3://{out}/recorded/items.json"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{out}/recorded/out/"}},
    )["batchSegmentJobArn"]
    found = ended(personalize.describe_batch_segment_job, "batchSegmentJob", batchSegmentJobArn=segments)
    assert found["status"] == "ACTIVE", found


def _of_a_domain(personalize, events, bucket: str, out: str, exporter: str) -> None:
    group = create_group(personalize)
    import_sample(personalize, group, bucket, exporter)
    items = group.datasets["Items"]
    [recommender] = create_recommenders(personalize, group, VIEWS).values()
    personalize.update_recommender(
        recommenderArn=recommender, recommenderConfig={"enableMetadataWithRecommendations": True}
    )
    tracker = personalize.create_event_tracker(name=unique("tracker"), datasetGroupArn=group.arn)
    ended(personalize.describe_event_tracker, "eventTracker", eventTrackerArn=tracker["eventTrackerArn"])
    event = {"eventType": "View", "itemId": "i01", "sentAt": datetime(2024, 8, 22), "eventId": "1"}
    events.put_events(trackingId=tracker["trackingId"], userId="u001", sessionId="s", eventList=[event])
    events.put_items(datasetArn=items, items=[{"itemId": "i01", "properties": '{"price": 1, "categoryL1": "a"}'}])
    export = personalize.create_dataset_export_job(
        jobName=unique("export"),
        datasetArn=items,
        roleArn=exporter,
        jobOutput={"s3DataDestination": {"path": f"s3://{out}/recorded/items/"}},
    )["datasetExportJobArn"]
    ended(personalize.describe_dataset_export_job, "datasetExportJob", datasetExportJobArn=export)
    spare = create_group(personalize, ("Users",))
    personalize.delete_dataset(datasetArn=spare.datasets["Users"])
    gone(personalize.describe_dataset, datasetArn=spare.datasets["Users"])
    personalize.delete_schema(schemaArn=spare.schemas["Users"])


RECORDED = sorted({(each.name.split(".")[0], each.name.split(".")[1]) for each in FOLDER.glob("personalize*.json")})


@pytest.mark.parametrize(("service", "operation"), RECORDED)
def test_an_answer_has_the_members_of_the_recordings(answers: dict, service: str, operation: str) -> None:
    assert differences(service, operation, answers[operation]) == []


def test_arns_have_the_shapes_of_the_recordings(answers: dict) -> None:
    wrong, seen = misshapen(answers)
    assert wrong == []
    assert len(seen) >= 9, seen


def _decimals(number: float) -> int:
    return len(f"{number:.12f}".rstrip("0").partition(".")[2])


def test_metrics_have_four_decimals_and_scores_seven(answers: dict) -> None:
    recorded = [each["response"] for each in samples("personalize", "GetSolutionMetrics")]
    metrics = [each["metrics"] for each in (*recorded, *answers["GetSolutionMetrics"])]
    assert max(_decimals(value) for found in metrics for value in found.values()) == 4
    names = {name for each in samples("personalize", "GetSolutionMetrics") for name in each["response"]["metrics"]}
    assert {name for each in answers["GetSolutionMetrics"] for name in each["metrics"]} == names
    recorded = [each["response"] for each in samples("personalize-runtime", "GetRecommendations")]
    items = [each["itemList"] for each in (*recorded, *answers["GetRecommendations"])]
    scores = [item["score"] for found in items for item in found if "score" in item]
    assert max(map(_decimals, scores)) == 7
    assert any("score" in item for item in answers["GetRecommendations"][0]["itemList"])


def test_recommendation_ids_have_the_form_of_the_newest_recordings(answers: dict) -> None:
    form = "RID-[0-9a-f]{2}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}-CID-[0-9a-f]{6}"
    recorded = [each for each in samples("personalize-runtime", "GetRecommendations") if each["recorded"] > "2024"]
    compared = [each["response"] for each in recorded]
    compared += [*answers["GetRecommendations"], *answers["GetPersonalizedRanking"]]
    assert len(recorded) >= 3
    assert all(re.fullmatch(form, each["recommendationId"]) for each in compared if "recommendationId" in each)


def test_recipes_are_listed_by_name_and_in_pages(answers: dict) -> None:
    recorded = [each["response"] for each in samples("personalize", "ListRecipes")]
    assert any("nextToken" in each for each in recorded)
    (ours,) = answers["ListRecipes"]
    [last] = {
        each["recipes"][-1]["name"] for each in recorded if "domain" in each["recipes"][0] and "nextToken" in each
    }
    assert ours["recipes"][-1]["name"] == last
    for answer in (*recorded, ours):
        names = [each["name"] for each in answer["recipes"]]
        assert names == sorted(names)
    assert ours["nextToken"]
