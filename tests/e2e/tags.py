"""The tags of what runs made in Forecast and Personalize."""

import re
from collections.abc import Iterator

import boto3
from botocore import xform_name

from localaws.forecast.kinds import KINDS as FORECAST
from localaws.personalize.kinds import KINDS as PERSONALIZE
from tests.e2e.conftest import DATASET

OURS = re.compile(f"storecast[-_]{DATASET}")  # other tests' resources are there too


def tags_by_arn() -> dict[str, dict[str, str]]:
    """Of all that the dataset's runs made and that a Create call gives tags.

    A schema takes none (tagging-resources.md); an explainability here is the service's own, made with its predictor.
    """
    forecast, personalize = boto3.client("forecast"), boto3.client("personalize")
    listed = {kind: about.plural for kind, about in FORECAST.items() if kind != "Explainability"}
    found = {}
    for arn in _arns(forecast, {f"{kind}Arn": plural for kind, plural in listed.items()}):
        tags = forecast.list_tags_for_resource(ResourceArn=arn)["Tags"]
        found[arn] = {tag["Key"]: tag["Value"] for tag in tags}
    taggable = [about for kind, about in PERSONALIZE.items() if kind != "Schema"]
    for arn in _arns(personalize, {f"{about.member}Arn": about.plural for about in taggable}):
        tags = personalize.list_tags_for_resource(resourceArn=arn)["tags"]
        found[arn] = {tag["tagKey"]: tag["tagValue"] for tag in tags}
    return found


def _arns(service, plurals: dict[str, str]) -> Iterator[str]:
    """`plurals`: by the member that holds an ARN, under what List answers."""
    for member, plural in plurals.items():
        for each in getattr(service, xform_name(f"List{plural[0].upper()}{plural[1:]}"))()[plural]:
            if OURS.search(str(each)):
                yield each[member]
