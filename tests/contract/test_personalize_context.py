"""What a request tells: its context, and who a user is of whom there is a record and no event."""

import json

import boto3
import pytest

from tests.contract.clients import refused
from tests.contract.helpers import avro, ended, marked, unique
from tests.contract.personalize_setup import (
    PERSONAL,
    POPULAR,
    RANKING,
    Group,
    create_solutions,
    create_versions,
    delete_group,
    import_from,
)

INVALID = "InvalidInputException"
SCHEMAS = {
    "Interactions": avro("Interactions", ("USER_ID", "string"), ("ITEM_ID", "string"), ("TIMESTAMP", "long"),
                         marked("DEVICE", "categorical")),
    "Users": avro("Users", ("USER_ID", "string"), marked("AGE", "categorical")),
}  # fmt: skip


def _files() -> dict[str, str]:
    """Songs are looked at by phone, games at a computer; the young like items of even number, the old the others."""
    events, users = [], []
    for user in range(60):
        users.append(f"u{user},{('young', 'old')[user % 2]}")
        for visit in range(20):
            device, kind = (("phone", "song"), ("computer", "game"))[visit % 2]
            item = 2 * ((user + visit) % 10) + user % 2
            events.append(f"u{user},{kind}{item},{1_700_000_000 + 1000 * user + visit},{device}")
    users += ["cold-young,young", "cold-old,old"]
    headers = {"Interactions": "USER_ID,ITEM_ID,TIMESTAMP,DEVICE", "Users": "USER_ID,AGE"}
    return {kind: "\n".join([headers[kind], *rows]) for kind, rows in (("Interactions", events), ("Users", users))}


@pytest.fixture(scope="module")
def campaigns(personalize, bucket: str, personalize_role: str):
    arn = personalize.create_dataset_group(name=unique("context"))["datasetGroupArn"]
    ended(personalize.describe_dataset_group, "datasetGroup", datasetGroupArn=arn)
    group = Group(arn, {}, {})
    for kind, body in _files().items():
        group.schemas[kind] = personalize.create_schema(name=unique(kind), schema=SCHEMAS[kind])["schemaArn"]
        group.datasets[kind] = personalize.create_dataset(
            name=unique(kind), schemaArn=group.schemas[kind], datasetGroupArn=arn, datasetType=kind
        )["datasetArn"]
        ended(personalize.describe_dataset, "dataset", datasetArn=group.datasets[kind])
        boto3.client("s3").put_object(Bucket=bucket, Key=f"context/{kind}.csv", Body=body)
        job = import_from(personalize, group.datasets[kind], f"s3://{bucket}/context/{kind}.csv", personalize_role)
        assert job["status"] == "ACTIVE", job
    versions = create_versions(personalize, create_solutions(personalize, group, PERSONAL, RANKING, POPULAR))
    made = {
        recipe: personalize.create_campaign(name=unique("campaign"), solutionVersionArn=version)["campaignArn"]
        for recipe, version in versions.items()
    }
    for each in made.values():
        ended(personalize.describe_campaign, "campaign", campaignArn=each)
    yield made
    delete_group(personalize, group)


def _ids(runtime, campaign: str, **params) -> list[str]:
    answer = runtime.get_recommendations(campaignArn=campaign, numResults=10, **params)
    return [each["itemId"] for each in answer["itemList"]]


@pytest.mark.parametrize(("device", "kind"), [("phone", "song"), ("computer", "game")])
def test_the_context_counts(runtime, campaigns, device: str, kind: str) -> None:
    told = _ids(runtime, campaigns[PERSONAL], userId="u1", context={"DEVICE": device})
    plain = _ids(runtime, campaigns[PERSONAL], userId="u1")
    assert all(item.startswith(kind) for item in told[:5])
    assert {item[:4] for item in plain[:5]} == {"song", "game"}
    answer = runtime.get_personalized_ranking(
        campaignArn=campaigns[RANKING], userId="u1", inputList=["game5", "song3"], context={"DEVICE": device}
    )["personalizedRanking"]
    assert answer[0]["itemId"].startswith(kind)
    assert sum(each["score"] for each in answer) == pytest.approx(1)


def test_a_new_user_is_known_by_the_record(runtime, campaigns) -> None:
    for user, parity in (("cold-young", 0), ("cold-old", 1)):
        numbers = [int(item[4:]) for item in _ids(runtime, campaigns[PERSONAL], userId=user)]
        assert [number % 2 for number in numbers].count(parity) >= 9
    numbers = [int(item[4:]) for item in _ids(runtime, campaigns[PERSONAL], userId="nobody-yet")]
    assert 2 <= [number % 2 for number in numbers].count(0) <= 8


def test_a_batch_job_knows_new_users_too(personalize, campaigns, out: str, exporter: str) -> None:
    s3, folder = boto3.client("s3"), unique("cold")
    s3.put_object(Bucket=out, Key=f"{folder}/in.json", Body=b'{"userId": "cold-young"}\n{"userId": "cold-old"}\n')
    version = personalize.describe_campaign(campaignArn=campaigns[PERSONAL])["campaign"]["solutionVersionArn"]
    arn = personalize.create_batch_inference_job(
        jobName=folder,
        solutionVersionArn=version,
        roleArn=exporter,
        numResults=10,
        jobInput={"s3DataSource": {"path": f"s3://{out}/{folder}/in.json"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{out}/{folder}/"}},
    )["batchInferenceJobArn"]
    job = ended(personalize.describe_batch_inference_job, "batchInferenceJob", batchInferenceJobArn=arn)
    assert job["status"] == "ACTIVE", job
    body = s3.get_object(Bucket=out, Key=f"{folder}/in.json.out")["Body"].read().decode()
    for line, parity in zip(body.splitlines(), (0, 1), strict=True):
        items = json.loads(line)["output"]["recommendedItems"]
        assert [int(item[4:]) % 2 for item in items].count(parity) >= 9


def test_a_context_that_cannot_be(runtime, campaigns) -> None:
    ask = {"userId": "u1", "context": {"COLOUR": "red"}}
    refused(INVALID, runtime.get_recommendations, "COLOUR", "DEVICE", campaignArn=campaigns[PERSONAL], **ask)
    refused(INVALID, runtime.get_personalized_ranking, "COLOUR", campaignArn=campaigns[RANKING], inputList=["x"], **ask)
    device = {"DEVICE": "phone"}
    refused(INVALID, runtime.get_recommendations, POPULAR, campaignArn=campaigns[POPULAR], context=device)
    known = _ids(runtime, campaigns[PERSONAL], userId="u1")
    assert _ids(runtime, campaigns[PERSONAL], userId="u1", context={"DEVICE": "fridge"}) == known
