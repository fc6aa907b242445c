"""The tags of what runs made in Forecast and Personalize."""

import boto3

from localaws.services.forecast.resource_types import TYPES as FORECAST
from localaws.services.personalize.resource_types import TYPES as PERSONALIZE
from tests.e2e.observing import ours


def tags_by_arn() -> dict[str, dict[str, str]]:
    """Of all that the dataset's runs made and that a Create call gives tags.

    A schema takes none (docs/aws-sources.md#personalize-tagging-resources).
    """
    forecast, personalize = boto3.client("forecast"), boto3.client("personalize")
    found = {}
    for kind in FORECAST.types:
        for arn in (each[f"{kind}Arn"] for each in ours("forecast", FORECAST.list_member(kind))):
            tags = forecast.list_tags_for_resource(ResourceArn=arn)["Tags"]
            found[arn] = {tag["Key"]: tag["Value"] for tag in tags}
    for kind in PERSONALIZE.types.keys() - {"Schema"}:
        member = PERSONALIZE.members.spelled(f"{kind}Arn")
        for arn in (each[member] for each in ours("personalize", PERSONALIZE.list_member(kind))):
            tags = personalize.list_tags_for_resource(resourceArn=arn)["tags"]
            found[arn] = {tag["tagKey"]: tag["tagValue"] for tag in tags}
    return found
