"""Create a resource of Forecast or Personalize, or find it if an earlier attempt of this run created it already.

A kind of resource is called as in boto3's operations: "dataset_import_job" of `create_dataset_import_job`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common.payload import AwsJson

_PLURALS = {"sis": "ses", "ity": "ities"}  # what_if_analyses, explainabilities


def create(client: Any, kind: str, request: AwsJson, **narrower: str) -> str:
    """The ARN of the resource of `kind` with the name that `request` gives it.

    `narrower` goes to the service's list operation, where that needs or takes a parent.
    """
    listed = kind.removeprefix("auto_")  # an AutoPredictor is listed as a predictor
    try:
        answer = getattr(client, f"create_{kind}")(**request)
    except client.exceptions.ResourceAlreadyExistsException:
        found = find(client, listed, request[name_member(client, listed)], **narrower)
        if found is None:
            raise
        return found
    return answer[arn_member(client, listed)]


def find(client: Any, kind: str, name: str, **narrower: str) -> str | None:
    """The ARN of the resource of `kind` called `name`, or None."""
    called, arn = name_member(client, kind), arn_member(client, kind)
    return next((each[arn] for each in summaries(client, kind, **narrower) if each.get(called) == name), None)


def summaries(client: Any, kind: str, **narrower: Any) -> list[AwsJson]:
    """All that the service lists of `kind`."""
    plural = next((kind[: -len(end)] + ends for end, ends in _PLURALS.items() if kind.endswith(end)), f"{kind}s")
    # docs/aws-sources.md#personalize-API_ListFilters: with a capital
    listed = "Filters" if plural == "filters" else _member(client, plural)
    pages = client.get_paginator(f"list_{plural}").paginate(**narrower)
    return [summary for page in pages for summary in page[listed]]


def tags(client: Any, arn: str) -> dict[str, str]:
    """The tags of a resource."""
    if _is_forecast(client):
        listed = client.list_tags_for_resource(ResourceArn=arn)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}
    listed = client.list_tags_for_resource(resourceArn=arn)["tags"]
    return {tag["tagKey"]: tag["tagValue"] for tag in listed}


def tag(client: Any, arn: str, key: str, value: str) -> None:
    """One more tag of a resource, or another value of one that it has."""
    if _is_forecast(client):
        client.tag_resource(ResourceArn=arn, Tags=[{"Key": key, "Value": value}])
    else:
        client.tag_resource(resourceArn=arn, tags=[{"tagKey": key, "tagValue": value}])


def attempt(service: Any, call: Callable[..., Any], **request: Any) -> bool:
    """Whether a change, stop or deletion went through; a resource in use or gone is no error: the next attempt sees to
    it, or the answer of the one before was lost."""
    try:
        call(**request)
    except (service.exceptions.ResourceInUseException, service.exceptions.ResourceNotFoundException):
        return False
    return True


def arn_member(client: Any, kind: str) -> str:
    """The member with the ARN: `DatasetImportJobArn` in Forecast, `datasetImportJobArn` in Personalize."""
    return f"{_member(client, kind)}Arn"


def name_member(client: Any, kind: str) -> str:
    """The member with the name: `DatasetImportJobName` in Forecast, `jobName` or `name` in Personalize."""
    if _is_forecast(client):
        return f"{_member(client, kind)}Name"
    return "jobName" if kind.endswith("_job") else "name"


def _member(client: Any, kind: str) -> str:
    pascal = "".join(word.capitalize() for word in kind.split("_"))
    return pascal if _is_forecast(client) else pascal[0].lower() + pascal[1:]


def _is_forecast(client: Any) -> bool:
    return client.meta.service_model.service_name == "forecast"
