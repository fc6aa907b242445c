"""Avro schemas as Amazon Personalize asks for them.

Source: docs/aws-sources.md#personalize-how-it-works-dataset-schema; domains.py has what each domain asks for.
"""

import json
from collections.abc import Collection

from localaws.errors import invalid
from localaws.services.personalize import domains
from storecast_engines.files import Field

NAMESPACE = "com.amazonaws.personalize.schema"
TYPES = ("float", "double", "int", "long", "string", "boolean", "null")
DATASET_TYPES = ("Interactions", "Items", "Users")


def parse(text: str) -> tuple[str, list[Field]]:
    """The dataset type (Interactions, Items or Users) and the fields. Raises InvalidInputException."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise invalid(f"The schema is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("type") != "record":
        raise invalid('The schema must be an Avro record: {"type": "record", ...}')
    if document.get("namespace") != NAMESPACE:
        raise invalid(f"The schema's namespace is {document.get('namespace')!r}; it must be {NAMESPACE}")
    if document.get("name") not in DATASET_TYPES:
        raise invalid(f"The schema's name is {document.get('name')!r}; it must be one of {', '.join(DATASET_TYPES)}")
    fields = [_field(each) for each in document.get("fields") or []]
    names = [field.name.replace("_", "") for field in fields]
    twice = [field.name for field in fields if names.count(field.name.replace("_", "")) > 1]
    if twice:
        raise invalid(f"Field names must differ by more than underscores: {', '.join(twice)}")
    return document["name"], fields


def _field(document: dict) -> Field:
    kinds = document.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    unknown = [kind for kind in kinds if kind not in TYPES]
    if unknown or "name" not in document:
        raise invalid(f"Field {document} has type {unknown}; allowed are {', '.join(TYPES)}")
    others = [kind for kind in kinds if kind != "null"]
    if len(others) != 1:
        raise invalid(f"Field {document['name']} must have exactly one type besides null, not {kinds}")
    marks = [document.get(mark, False) for mark in ("categorical", "textual")]
    if any(not isinstance(mark, bool) for mark in marks) or all(marks) or (any(marks) and others != ["string"]):
        raise invalid(f"Field {document['name']}: a string may have either categorical or textual set to true")
    return Field(document["name"], others[0], "null" in kinds, *marks)


def check_successor(old: str, new: str) -> None:
    """What UpdateDataset refuses: items and users may gain nullable fields, and lose or change none.

    Source: docs/aws-sources.md#personalize-updating-dataset-schema.
    """
    (old_type, old_fields), (new_type, new_fields) = parse(old), parse(new)
    if old_type == "Interactions":
        raise invalid("The schema of an Interactions dataset cannot be replaced")
    if old_type != new_type:
        raise invalid(f"The new schema is one of {new_type}, the dataset's of {old_type}")
    by_name = {field.name: field for field in new_fields}
    for field in old_fields:
        if by_name.pop(field.name, None) != field:
            raise invalid(f"The new schema must keep field {field.name} as it is: {field}")
    for field in by_name.values():
        if not field.nullable:
            raise invalid(f"The new field {field.name} must allow null: earlier records do not have it")


def check(domain: str | None, text: str) -> None:
    """What CreateSchema refuses."""
    dataset_type, fields = parse(text)
    required, reserved = domains.REQUIRED[domain][dataset_type], domains.RESERVED[domain][dataset_type]
    by_name = {field.name: field for field in fields}
    for name in required:
        if name not in by_name:
            raise invalid(f"The {domain or 'custom'} schema of {dataset_type} requires the field {name}")
    for name, wanted in (reserved | required).items():
        if name in by_name and not _is(by_name[name], wanted):
            raise invalid(f"Field {name} of {dataset_type} must be of type {wanted}, not {_type(by_name[name])}")
    for name in domains.KEYS:
        if name in by_name and by_name[name].nullable:
            raise invalid(f"Field {name} of {dataset_type} must not allow null")
    _check_metadata(dataset_type, fields, required.keys() | reserved.keys())


def _is(field: Field, wanted: str) -> bool:
    if wanted in ("categorical", "textual"):
        return field.kind == "string" and getattr(field, wanted)
    return field.kind == wanted and not field.categorical and not field.textual


def _type(field: Field) -> str:
    return "categorical" if field.categorical else "textual" if field.textual else field.kind


def _check_metadata(dataset_type: str, fields: list[Field], known: Collection[str]) -> None:
    """Items and users have at least one field besides their id and age; no type has more than its quota."""
    if dataset_type == "Interactions":
        metadata = [field for field in fields if field.name not in known]
    else:
        metadata = [field for field in fields if field.name not in (*domains.KEYS, "CREATION_TIMESTAMP")]
        if not metadata:
            raise invalid(f"A schema of {dataset_type} needs at least one metadata field besides {fields[0].name}")
    most = domains.MOST_METADATA[dataset_type]
    if len(metadata) > most:
        raise invalid(f"A schema of {dataset_type} has {len(metadata)} metadata fields; it may have {most}")
    textual = [field.name for field in fields if field.textual]
    if len(textual) > (1 if dataset_type == "Items" else 0):
        raise invalid(f"Textual fields {', '.join(textual)}: a schema of Items may have one, others none")
