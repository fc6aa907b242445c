"""What SageMaker's resources here have in common: their kinds, names, ARNs and the errors about them."""

from localaws.errors import ServiceError
from localaws.registration import Context
from localaws.resources import Resource

INSTANCE, LIFECYCLE = "NotebookInstance", "NotebookInstanceLifecycleConfig"
_PREFIXES = {INSTANCE: "notebook-instance", LIFECYCLE: "notebook-instance-lifecycle-config"}


def arn_of(context: Context, kind: str, name: str) -> str:
    return context.arn("sagemaker", f"{_PREFIXES[kind]}/{name.lower()}")


def get(context: Context, kind: str, name: str) -> Resource:
    resource = context.store.find(arn_of(context, kind, name))
    if resource is None:
        raise ServiceError("ValidationException", f"RecordNotFound: no {kind} is named {name}")
    return resource


def add(context: Context, kind: str, name: str, status: str, record: dict, tags: list[dict]) -> Resource:
    arn = arn_of(context, kind, name)
    pairs = [(tag["Key"], tag["Value"]) for tag in tags]
    try:
        return context.store.add(arn, kind, name, status, record, pairs)
    except ServiceError:
        raise ServiceError("ValidationException", f"A {kind} named {name} exists already: {arn}") from None


def times(resource: Resource) -> dict:
    return {"CreationTime": resource.created, "LastModifiedTime": resource.modified}
