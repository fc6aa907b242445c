"""Create a resource of Forecast or Personalize, or find it if an earlier attempt of this run created it already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def create(client: Any, kind: str, request: dict[str, Any], **narrower: str) -> str:
    """The ARN of the resource of `kind`, such as "dataset_import_job", with the name that `request` gives it.

    `narrower` goes to the service's list operation, where that needs or takes a parent.
    """
    try:
        answer = getattr(client, f"create_{kind}")(**request)
    except client.exceptions.ResourceAlreadyExistsException:
        listed = kind.removeprefix("auto_")
        wanted = next(value for key, value in request.items() if _is_name(key))
        found = find(client, listed, wanted, **narrower)
        if found is None:
            raise
        return found
    return next(value for key, value in answer.items() if key.lower().endswith("arn"))


def find(client: Any, kind: str, name: str, **narrower: str) -> str | None:
    """The ARN of the resource of `kind` called `name`, or None."""
    arn_key = kind.replace("_", "") + "arn"
    for summary in summaries(client, kind, **narrower):
        if any(_is_name(key) and value == name for key, value in summary.items()):
            return next(value for key, value in summary.items() if key.lower() == arn_key)
    return None


def summaries(client: Any, kind: str, **narrower: str) -> list[dict[str, Any]]:
    """All that the service lists of `kind`."""
    plural = kind.removesuffix("is") + "es" if kind.endswith("sis") else f"{kind}s"  # what_if_analyses
    pages = client.get_paginator(f"list_{plural}").paginate(**narrower)
    return [
        summary
        for page in pages
        for key, found in page.items()
        if isinstance(found, list) and key != "ResponseMetadata"
        for summary in found
    ]


def tags(client: Any, arn: str) -> dict[str, str]:
    """The tags of a resource. Forecast spells members as in ResourceArn and Key, Personalize resourceArn and tagKey."""
    [member] = client.meta.service_model.operation_model("ListTagsForResource").input_shape.members
    answer = client.list_tags_for_resource(**{member: arn})
    listed = answer.get("Tags") or answer.get("tags") or []
    return {tag.get("Key", tag.get("tagKey")): tag.get("Value", tag.get("tagValue")) for tag in listed}


def tag(client: Any, arn: str, key: str, value: str) -> None:
    """One more tag of a resource, or another value of one that it has."""
    shape = client.meta.service_model.operation_model("TagResource").input_shape
    resource, listed = (
        next(name for name in shape.members if name.lower().startswith(each)) for each in ("res", "tag")
    )
    named = dict(zip(shape.members[listed].member.members, (key, value)))
    client.tag_resource(**{resource: arn, listed: [named]})


def attempt(service: Any, call: Callable[..., Any], **request: Any) -> bool:
    """Whether a change, stop or deletion went through; a resource in use or gone is no error: the next attempt sees to
    it, or the answer of the one before was lost."""
    try:
        call(**request)
    except (service.exceptions.ResourceInUseException, service.exceptions.ResourceNotFoundException):
        return False
    return True


def _is_name(key: str) -> bool:
    return key.lower().endswith("name")
