"""Recipes that notebooks use besides the newest: SIMS and HRNN by campaign, user segments by batch segment job."""

import json

import boto3
import pytest

from data.sample.shop import COMPLEMENTS, item_id
from tests.contract.clients import refused
from tests.contract.helpers import ended, files, unique
from tests.contract.personalize_setup import (
    ITEM_AFFINITY,
    ITEM_ATTRIBUTE_AFFINITY,
    PERSONAL,
    RECIPE,
    SIMS,
    create_solutions,
    create_versions,
    sample_group,
)

INVALID, COFFEE, HRNN = "InvalidInputException", item_id("Coffee"), "aws-hrnn"


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    with sample_group(personalize, bucket, personalize_role, kinds=("Interactions", "Items"), domain=None) as made:
        yield made


@pytest.fixture(scope="module")
def versions(personalize, group) -> dict[str, str]:
    solutions = create_solutions(personalize, group, SIMS, HRNN, ITEM_AFFINITY, ITEM_ATTRIBUTE_AFFINITY)
    return create_versions(personalize, solutions)


@pytest.fixture(scope="module")
def run(personalize, out: str, exporter: str):
    """Runs a segment job over lines; answers the job and its output."""

    def run(version: str, *lines: dict, **more) -> tuple[dict, list[dict]]:
        folder, body = unique("segments"), "".join(json.dumps(each) + "\n" for each in lines)
        boto3.client("s3").put_object(Bucket=out, Key=f"{folder}/in.json", Body=body.encode())
        arn = _create(
            personalize, version, f"s3://{out}/{folder}/in.json", f"s3://{out}/{folder}/out/", exporter, **more
        )
        job = ended(personalize.describe_batch_segment_job, "batchSegmentJob", batchSegmentJobArn=arn)
        body = files(out, f"{folder}/out/").get("in.json.out", "")
        return job, [json.loads(line) for line in body.splitlines()]

    return run


def _create(personalize, version: str, source: str, destination: str, by: str, **more) -> str:
    return personalize.create_batch_segment_job(
        jobName=unique("segments"),
        solutionVersionArn=version,
        roleArn=by,
        jobInput={"s3DataSource": {"path": source}},
        jobOutput={"s3DataDestination": {"path": destination}},
        **more,
    )["batchSegmentJobArn"]


def test_sims_recommends_what_the_same_users_had(personalize, runtime, versions) -> None:
    """The sample plants pairs; the pair's second item comes among the first for most of them; no scores."""
    arn = personalize.create_campaign(name=unique("campaign"), solutionVersionArn=versions[SIMS])["campaignArn"]
    assert ended(personalize.describe_campaign, "campaign", campaignArn=arn)["status"] == "ACTIVE"
    answers = {
        second: runtime.get_recommendations(campaignArn=arn, itemId=item_id(first), numResults=10)["itemList"]
        for first, second in COMPLEMENTS
    }
    assert all(set(each) == {"itemId"} for items in answers.values() for each in items)
    found = [{"itemId": item_id(second)} in items for second, items in answers.items()]
    assert sum(found) > len(found) / 2
    refused(INVALID, runtime.get_recommendations, "itemId", campaignArn=arn)


def test_recipes_and_their_parameters(personalize, group, versions) -> None:
    recipe = personalize.describe_recipe(recipeArn=RECIPE + ITEM_AFFINITY)["recipe"]
    assert recipe["recipeType"] == "USER_SEGMENTATION"
    sims = personalize.describe_recipe(recipeArn=RECIPE + SIMS)["recipe"]
    algorithm = personalize.describe_algorithm(algorithmArn=sims["algorithmArn"])["algorithm"]
    assert algorithm["defaultHyperParameters"] == {"popularity_discount_factor": "0.5", "min_cointeraction_count": "3"}
    [discount] = algorithm["defaultHyperParameterRanges"]["continuousHyperParameterRanges"]
    assert (discount["minValue"], discount["maxValue"]) == (0.0, 1.0)
    create, given = personalize.create_solution, {"name": "wrong", "datasetGroupArn": group.arn}
    wrong = {"solutionConfig": {"algorithmHyperParameters": {"popularity_discount_factor": "1.5"}}}
    refused(INVALID, create, "popularity_discount_factor", "0.0 to 1.0", **given, **wrong, recipeArn=RECIPE + SIMS)
    refused(INVALID, create, "performHPO", **given, recipeArn=RECIPE + ITEM_AFFINITY, performHPO=True)
    campaign = personalize.create_campaign
    refused(INVALID, campaign, "batch segment", name="wrong", solutionVersionArn=versions[ITEM_AFFINITY])


def test_metrics_of_segments_are_the_services(personalize, versions) -> None:
    for recipe in (ITEM_AFFINITY, ITEM_ATTRIBUTE_AFFINITY):
        metrics = personalize.get_solution_metrics(solutionVersionArn=versions[recipe])["metrics"]
        assert set(metrics) == {"coverage", "hits_at_1_percent", "recall_at_1_percent"}
        assert metrics["recall_at_1_percent"] > 0


def test_a_segment_of_an_item_is_a_list_of_users(personalize, versions, run) -> None:
    job, answers = run(
        versions[ITEM_AFFINITY], {"itemId": COFFEE}, {"itemId": "nowhere"}, {"userId": "u"}, numResults=9
    )
    assert (job["status"], job["numResults"]) == ("ACTIVE", 9), job
    first, unknown, wrong = answers
    assert first["input"] == {"itemId": COFFEE} and first["error"] is None, "as recorded"
    assert len(set(first["output"]["usersList"])) == 9
    assert unknown["output"] == {"usersList": []} and "nowhere" in unknown["error"]
    assert "itemId" in wrong["error"]
    listed = personalize.list_batch_segment_jobs(solutionVersionArn=versions[ITEM_AFFINITY])["batchSegmentJobs"]
    assert [each["jobName"] for each in listed] == [job["jobName"]]


def test_a_segment_of_attributes(versions, run, sample) -> None:
    lines = (sample / "recommending/sample/items").glob("*.csv")
    header, *rows = [line.split(",") for file in lines for line in file.read_text().splitlines()]
    category = rows[0][header.index("CATEGORY_L1")].strip('"')
    asked = [
        {"itemAttributes": f'ITEMS.category_l1 = "{category}"'},
        {"itemAttributes": f'ITEMS.CATEGORY_L1 = "{category}" AND ITEMS.CATEGORY_L1 = "{category}"'},
        {"itemAttributes": 'ITEMS.CATEGORY_L1 = "nothing"'},
        {"itemAttributes": "CATEGORY_L1 IN (1)"},
    ]
    job, answers = run(versions[ITEM_ATTRIBUTE_AFFINITY], *asked)
    assert job["status"] == "ACTIVE" and len(answers[0]["output"]["usersList"]) == 25, job
    assert answers[1]["output"] == answers[0]["output"]
    assert "nothing" in answers[2]["error"] and "ITEMS.genres" in answers[3]["error"]
    job, _ = run(versions[ITEM_ATTRIBUTE_AFFINITY], *asked[:1] * 11)
    assert job["status"] == "CREATE FAILED" and "may have 10" in job["failureReason"]


def test_segment_jobs_that_cannot_be_made(personalize, versions, out: str, exporter: str) -> None:
    good, more = f"s3://{out}/in.json", {"personalize": personalize, "by": exporter}

    def create(version: str = versions[ITEM_AFFINITY], source: str = good, **params) -> None:
        _create(version=version, source=source, destination=good, **more, **params)

    refused(INVALID, create, ITEM_AFFINITY, SIMS, version=versions[SIMS])
    refused(INVALID, create, "S3 input path", source="https://in.json")
    refused(INVALID, create, "numResults", numResults=5_000_001)
    infer = {"jobInput": {"s3DataSource": {"path": good}}, "jobOutput": {"s3DataDestination": {"path": good}}}
    for recipe in (ITEM_AFFINITY, ITEM_ATTRIBUTE_AFFINITY):
        arn = versions[recipe]
        refused(INVALID, personalize.create_batch_inference_job, recipe, jobName="j", solutionVersionArn=arn,
                roleArn=exporter, **infer)  # fmt: skip
    refused("ResourceNotFoundException", create, version=versions[SIMS] + "x")
    assert PERSONAL not in versions
