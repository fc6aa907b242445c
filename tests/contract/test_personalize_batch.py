"""Batch inference jobs: a file of JSON lines in, answers line by line out, for each recipe in the guide's form."""

import json

import boto3
import pytest

from data.sample.shop import item_id
from tests.contract.clients import refused
from tests.contract.helpers import ended, role, statement, unique, whole_bucket
from tests.contract.personalize_setup import (
    ALL,
    PERSONAL,
    POPULAR,
    RANKING,
    SIMILAR,
    TRENDING,
    create_solutions,
    create_versions,
    sample_group,
)
from tests.recordings import message

INVALID, USER, COFFEE = "InvalidInputException", "u001", item_id("Coffee")


@pytest.fixture(scope="module")
def group(personalize, bucket: str, personalize_role: str):
    with sample_group(personalize, bucket, personalize_role, domain=None) as made:
        yield made


@pytest.fixture(scope="module")
def versions(personalize, group) -> dict[str, str]:
    return create_versions(personalize, create_solutions(personalize, group, *ALL))


@pytest.fixture(scope="module")
def run(personalize, out: str, exporter: str):
    """Runs a job over lines, or over whole files by name; answers the job and its output by file name."""

    def run(version: str, *lines: dict | str, files: dict[str, bytes] | None = None, **more) -> tuple[dict, dict]:
        s3, folder = boto3.client("s3"), unique("batch")
        body = "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in lines)
        for name, content in (files or {"in.json": body.encode()}).items():
            s3.put_object(Bucket=out, Key=f"{folder}/in/{name}", Body=content)
        job = _create(personalize, version, f"s3://{out}/{folder}/in/", f"s3://{out}/{folder}/out/", exporter, **more)
        listed = s3.list_objects_v2(Bucket=out, Prefix=f"{folder}/out/").get("Contents", [])
        answers = {
            each["Key"].removeprefix(f"{folder}/out/"): [
                json.loads(line)
                for line in s3.get_object(Bucket=out, Key=each["Key"])["Body"].read().decode().splitlines()
            ]
            for each in listed
            if not each["Key"].endswith("/_CHECK")
        }
        assert answers == {} or len(answers) < len(listed), "_CHECK lies beside the answers (recorded/exports.md)"
        return job, answers

    return run


def _create(personalize, version: str, source: str, destination: str, by: str, **more) -> dict:
    arn = personalize.create_batch_inference_job(
        jobName=unique("batch"),
        solutionVersionArn=version,
        roleArn=by,
        jobInput={"s3DataSource": {"path": source}},
        jobOutput={"s3DataDestination": {"path": destination}},
        **more,
    )["batchInferenceJobArn"]
    job = personalize.describe_batch_inference_job(batchInferenceJobArn=arn)["batchInferenceJob"]
    assert job["status"] in ("CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE", "CREATE FAILED")  # as recorded
    return ended(personalize.describe_batch_inference_job, "batchInferenceJob", batchInferenceJobArn=arn)


@pytest.mark.parametrize(
    ("recipe", "line", "members"),
    [
        (PERSONAL, {"userId": USER}, {"input", "output", "error"}),
        (POPULAR, {"userId": USER}, {"input", "output"}),
        (RANKING, {"userId": USER, "itemList": [item_id("Bagels"), COFFEE, "unknown"]}, {"input", "output"}),
        (SIMILAR, {"itemId": COFFEE}, {"input", "output"}),
    ],
    ids=[PERSONAL, POPULAR, RANKING, SIMILAR],
)
def test_each_recipe_has_its_own_form(personalize, versions, run, recipe: str, line: dict, members: set) -> None:
    job, answers = run(versions[recipe], line, numResults=7)
    assert (job["status"], job["batchInferenceJobMode"], job["numResults"]) == ("ACTIVE", "BATCH_INFERENCE", 7), job
    [answer] = answers["in.json.out"]
    assert set(answer) == members and answer["input"] == line and answer.get("error") is None
    items, scores = answer["output"]["recommendedItems"], answer["output"].get("scores")
    if recipe == RANKING:
        assert sorted(items) == sorted(line["itemList"]) and items[-1] == "unknown"
        assert sum(scores[:-1]) == pytest.approx(1) and scores[-1] is None
    else:
        assert len(set(items)) == 7 and (scores is not None) == (recipe == PERSONAL)
    listed = personalize.list_batch_inference_jobs(solutionVersionArn=versions[recipe])["batchInferenceJobs"]
    assert job["batchInferenceJobArn"] in [each["batchInferenceJobArn"] for each in listed]


def test_a_folder_gives_a_file_for_each_of_its_own(versions, run) -> None:
    lines = [{"userId": user} for user in (USER, "u002", "nobody-yet")]
    files = {
        "first.json": json.dumps(lines[0]).encode(),
        "more/second.jsonl": "\n".join(json.dumps(each) for each in lines[1:]).encode(),
    }
    job, answers = run(versions[PERSONAL], files=files)
    assert job["status"] == "ACTIVE", job
    assert [each["input"] for each in answers["first.json.out"]] == lines[:1]
    assert [each["input"] for each in answers["more/second.jsonl.out"]] == lines[1:]
    first, other, new = [each["output"]["recommendedItems"] for name in sorted(answers) for each in answers[name]]
    assert first != other and len(first) == len(other) == len(new) == 25


@pytest.mark.parametrize(
    ("recipe", "line", "words"),
    [
        (PERSONAL, {"user": USER}, "Required fields for the provided recipe are userId"),
        (SIMILAR, {"userId": USER}, "Required fields for the provided recipe are itemId"),
        (RANKING, {"userId": USER}, "Required fields for the provided recipe are userId, itemList"),
        (RANKING, {"userId": USER, "itemList": COFFEE}, "itemList must be a list"),
        (PERSONAL, {"userId": 7}, "userId is 7"),
        (PERSONAL, '{"userId"', "not JSON"),
        (PERSONAL, {"userId": USER, "filterValues": ["x"]}, "filterValues"),
    ],
)
def test_a_line_that_cannot_be_answered_says_why(versions, run, recipe: str, line: dict | str, words: str) -> None:
    good = {"userId": USER, "itemList": [COFFEE]} if recipe == RANKING else {"userId": USER, "itemId": COFFEE}
    job, answers = run(versions[recipe], line, good)
    assert job["status"] == "ACTIVE", job
    wrong, right = answers["in.json.out"]
    assert wrong["input"] == line and wrong["output"] == {"recommendedItems": []}
    assert wrong["error"].startswith("User error: ") and words in wrong["error"]
    assert right["output"]["recommendedItems"] and right.get("error") is None


def test_a_filter_takes_its_values_from_each_line(personalize, versions, run, group) -> None:
    expression = "INCLUDE ItemID WHERE Items.PRICE <= $TOP"
    made = personalize.create_filter(name=unique("cheap"), datasetGroupArn=group.arn, filterExpression=expression)
    ended(personalize.describe_filter, "filter", filterArn=made["filterArn"])
    lines = [{"userId": USER, "filterValues": {"TOP": top}} for top in ("1000000", "0")] + [{"userId": USER}]
    job, answers = run(versions[PERSONAL], *lines, filterArn=made["filterArn"])
    assert job["status"] == "ACTIVE" and job["filterArn"] == made["filterArn"], job
    everything, nothing, missing = answers["in.json.out"]
    assert len(everything["output"]["recommendedItems"]) == 25 and nothing["output"]["recommendedItems"] == []
    assert nothing["error"] is None and "$TOP" in missing["error"]


def test_exploration_is_of_user_personalization(versions, run) -> None:
    config = {"itemExplorationConfig": {"explorationWeight": "1", "explorationItemAgeCutOff": "1000"}}
    _, plain = run(versions[PERSONAL], {"userId": USER})
    job, explored = run(versions[PERSONAL], {"userId": USER}, batchInferenceJobConfig=config)
    assert job["batchInferenceJobConfig"] == config and plain != explored


@pytest.mark.parametrize(
    ("files", "words"),
    [({"in.csv": b"u001\n"}, "in/"), ({"in.json": b""}, "empty"), ({"in.json": b'{"userId": "\xff"}'}, "UTF-8")],
    ids=["no JSON file", "empty", "encoding"],
)
def test_a_job_without_readable_input_fails(versions, run, files: dict, words: str) -> None:
    job, answers = run(versions[PERSONAL], files=files)
    assert job["status"] == "CREATE FAILED" and words in job["failureReason"] and not answers


def test_a_job_needs_the_rights_to_read_and_write(personalize, versions, bucket, out, exporter) -> None:
    """The sample's bucket lets Personalize read, not write; a role alone is not enough, nor is a policy."""
    boto3.client("s3").put_object(Bucket=out, Key="rights/in.json", Body=b'{"userId": "u001"}')
    version, source = versions[PERSONAL], f"s3://{out}/rights/in.json"
    job = _create(personalize, version, source, f"s3://{bucket}/out/", exporter)
    assert job["status"] == "CREATE FAILED"
    for word in ("batch inference job", "Insufficient privileges", "s3:PutObject", bucket):
        assert word in job["failureReason"]
    reader = role("personalize", statement("s3:GetObject", "s3:ListBucket", on=whole_bucket(out)))
    job = _create(personalize, version, source, f"s3://{out}/rights/out/", reader)
    assert job["status"] == "CREATE FAILED"
    assert "s3:PutObject" in job["failureReason"] and reader in job["failureReason"]


def test_jobs_that_cannot_be_made(personalize, versions, group, out, exporter) -> None:
    create = personalize.create_batch_inference_job
    wrong = {
        "jobName": "wrong",
        "solutionVersionArn": versions[SIMILAR],
        "roleArn": exporter,
        "jobInput": {"s3DataSource": {"path": f"s3://{out}/in.json"}},
        "jobOutput": {"s3DataDestination": {"path": f"s3://{out}/out/"}},
    }
    refused(INVALID, create, "THEME_GENERATION", "not built", **wrong, batchInferenceJobMode="THEME_GENERATION")
    refused(INVALID, create, TRENDING, **wrong | {"solutionVersionArn": versions[TRENDING]})
    exploration = {"batchInferenceJobConfig": {"itemExplorationConfig": {"explorationWeight": "0.5"}}}
    refused(INVALID, create, "itemExplorationConfig", SIMILAR, **wrong, **exploration)
    much = {"batchInferenceJobConfig": {"itemExplorationConfig": {"explorationWeight": "much"}}}
    personal = wrong | {"solutionVersionArn": versions[PERSONAL]}
    refused(INVALID, create, "explorationWeight", "'much'", **personal, **much)
    refused(INVALID, create, "numResults", "500", **wrong, numResults=501)
    nowhere = wrong | {"jobInput": {"s3DataSource": {"path": "https://in/in.json"}}}
    refused(INVALID, create, "Invalid S3 input path", "'https://in/in.json'", **nowhere)
    nowhere = wrong | {"jobOutput": {"s3DataDestination": {"path": "https://out/"}}}
    refused(INVALID, create, "Invalid S3 output path", "'https://out/'", **nowhere)
    made = personalize.list_batch_inference_jobs()["batchInferenceJobs"][0]["jobName"]
    taken = message("personalize", "CreateBatchInferenceJob", "ResourceAlreadyExistsException", "already exists")
    refused("ResourceAlreadyExistsException", create, taken.rpartition(" arn:")[0], made, **wrong | {"jobName": made})
    refused("ResourceNotFoundException", create, **wrong, filterArn=versions[SIMILAR])
    refused("ResourceNotFoundException", create, **wrong | {"solutionVersionArn": versions[SIMILAR] + "0"})
