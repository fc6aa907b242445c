"""A service of the embedded AWS costs a table: AWS Glue's jobs, which no code here knows, by their own model."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localaws import protocol
from localaws.operations import Operations
from localaws.resource_types import Members, Refusal, Refusals, ResourceType, ResourceTypes, States, table
from localaws.resources import Store

IN_USE = "ConcurrentModificationException"
GLUE = Operations(
    ResourceTypes(
        service="glue",
        types=table(ResourceType(name="Job", named_by="Name", states=States(), most=2)),
        members=Members(
            capitals=True,
            status="Status",
            created="CreatedOn",
            modified="LastModifiedOn",
            failure="ErrorMessage",
            tag_key="",
            tag_value="",
        ),
        refusals=Refusals(
            missing=Refusal("EntityNotFoundException", "Entity not found: {arn}"),
            taken=Refusal("AlreadyExistsException", "{type} with name {name} already exists"),
            not_active=Refusal(IN_USE, "{arn} is {status}"),
            locked=Refusal(IN_USE, "{arn} is {status}"),
            in_use=Refusal(IN_USE, "{arn} is in use by {other}"),
            unstoppable=Refusal(IN_USE, "{arn} is {status}"),
            too_many_tags=Refusal("ResourceNumberLimitExceededException", "{count} tags are more than {most}"),
            too_many=Refusal("ResourceNumberLimitExceededException", "There are {most} {plural}"),
        ),
        wanted=lambda resource_type, params: lambda one: True,
        by_name=True,
        enveloped=True,
        verbs=("Get", "Get"),
    )
)


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    store = Store(tmp_path)
    context: Any = SimpleNamespace(
        store=store, arn=lambda service, resource: f"arn:aws:{service}:us-east-1:000000000000:{resource}"
    )

    def create_job(context: Any, params: dict) -> dict:
        return {"Name": GLUE.create(context, "Job", params).name}

    service = protocol.Service("glue", GLUE.shared() | {"CreateJob": create_job}, invalid_input="InvalidInputException")

    def ask(operation: str, **params: Any) -> tuple[int, dict]:
        headers = {"x-amz-target": f"AWSGlue.{operation}"}
        request = protocol.Request("POST", "/", headers, json.dumps(params).encode())
        status, _, body = protocol.call(service, request, lambda operation, params: context)
        return status, json.loads(body or b"{}")

    yield ask
    store.close()


def job(name: str) -> dict:
    return {"Name": name, "Role": "arn:aws:iam::000000000000:role/glue", "Command": {"Name": "glueetl"}}


def test_a_table_serves_create_get_list_and_delete(call) -> None:
    assert call("CreateJob", **job("a"), Tags={"project": "storecast"}) == (200, {"Name": "a"})
    assert call("CreateJob", **job("b"))[0] == 200
    found = call("GetJob", JobName="a")[1]["Job"]
    assert found["Role"] == job("a")["Role"] and found["CreatedOn"] == found["LastModifiedOn"]
    first = call("GetJobs", MaxResults=1)[1]
    second = call("GetJobs", MaxResults=1, NextToken=first["NextToken"])[1]
    assert [each["Name"] for page in (first, second) for each in page["Jobs"]] == ["a", "b"]
    assert call("DeleteJob", JobName="a")[0] == 200
    assert [each["Name"] for each in call("GetJobs")[1]["Jobs"]] == ["b"]


def test_a_table_refuses_in_the_words_of_the_service(call) -> None:
    assert call("GetJob", JobName="a") == (
        400,
        {"__type": "EntityNotFoundException", "message": "Entity not found: arn:aws:glue:us-east-1:000000000000:job/a"},
    )
    for name in "ab":
        call("CreateJob", **job(name))
    assert call("CreateJob", **job("a"))[1]["__type"] == "AlreadyExistsException"
    assert call("CreateJob", **job("c"))[1]["message"] == "There are 2 Jobs"


def test_iam_is_asked_about_what_a_call_makes_or_names() -> None:
    assert GLUE.named_by_call("CreateJob", {"Name": "a"}) == ["job/a"]
    assert GLUE.named_by_call("StartJobRun", {"JobName": "a"}) == ["job/a"]
    assert GLUE.named_by_call("GetJobs", {}) == []
