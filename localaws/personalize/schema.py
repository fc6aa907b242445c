"""Avro schemas as Amazon Personalize asks for them.

Source: the guide's ECOMMERCE-datasets-and-schemas.md and how-it-works-dataset-schema.md.
"""

import json
from dataclasses import dataclass

from localaws.personalize.kinds import invalid

NAMESPACE = "com.amazonaws.personalize.schema"
TYPES = ("float", "double", "int", "long", "string", "boolean", "null")
BUILT_DOMAIN = "ECOMMERCE"
# Required fields by dataset type: of custom groups, which have no domain, and of ECOMMERCE.
REQUIRED = {
    None: {
        "Interactions": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long"},
        "Items": {"ITEM_ID": "string"},
        "Users": {"USER_ID": "string"},
    },
    BUILT_DOMAIN: {
        "Interactions": {"USER_ID": "string", "ITEM_ID": "string", "TIMESTAMP": "long", "EVENT_TYPE": "string"},
        "Items": {"ITEM_ID": "string", "PRICE": "float", "CATEGORY_L1": "string"},
        "Users": {"USER_ID": "string"},
    },
}
DATASET_TYPES = tuple(REQUIRED[None])


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    nullable: bool
    textual: bool = False


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
    return Field(document["name"], others[0], "null" in kinds, document.get("textual", False))


def check_successor(old: str, new: str) -> None:
    """What UpdateDataset refuses: items and users may gain nullable fields, and lose or change none.

    Source: updating-dataset-schema.md.
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


def check_domain(domain: str | None) -> None:
    if domain not in REQUIRED:
        raise invalid(f"Domain {domain} is not built in Storecast's embedded AWS; {BUILT_DOMAIN} is, and no domain")


def check(domain: str | None, text: str) -> None:
    """What CreateSchema refuses."""
    dataset_type, fields = parse(text)
    check_domain(domain)
    by_name = {field.name: field for field in fields}
    for name, kind in REQUIRED[domain][dataset_type].items():
        if name not in by_name:
            raise invalid(f"The {domain or 'custom'} schema of {dataset_type} requires the field {name}")
        if by_name[name].kind != kind:
            raise invalid(f"Field {name} of {dataset_type} must be of type {kind}, not {by_name[name].kind}")
    if dataset_type != "Interactions" and len(fields) < 2:
        raise invalid(f"A schema of {dataset_type} needs at least one metadata field besides {fields[0].name}")
