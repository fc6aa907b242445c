"""Every operation that botocore's models of Amazon Forecast know is served."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.model import Shape

from localaws.settings import Settings
from tests.contract.clients import client

MODELS = {
    name: boto3.client(name, region_name="us-east-1").meta.service_model for name in ("forecast", "forecastquery")
}
NOWHERE = "arn:aws:forecast:us-east-1:000000000000:kind/nothing"


def smallest(shape: Shape, name: str) -> Any:
    """A value with the required members only; each ARN is of a resource that does not exist."""
    if shape.type_name == "structure":
        return {each: smallest(shape.members[each], each) for each in shape.required_members}
    if shape.type_name == "list":
        return [smallest(shape.member, name)]
    if shape.type_name == "map":
        return {"item_id": "nothing"}
    if name == "RoleArn":
        return "arn:aws:iam::000000000000:role/nothing"
    if name.endswith(("Arn", "Arns")):
        return NOWHERE
    if shape.type_name in ("integer", "long", "double"):
        return 1
    if "enum" in shape.metadata:
        return shape.metadata["enum"][0]
    return {"Path": "s3://bucket/nothing", "ForecastFrequency": "D"}.get(name, "nothing")


@pytest.mark.parametrize(
    ("service", "operation"), [(service, name) for service, model in MODELS.items() for name in model.operation_names]
)
def test_an_operation_is_served(embedded_aws: Settings, service: str, operation: str) -> None:
    """It works, or it refuses what is not there or not right; it never says that it is not built."""
    made, model = client(service), MODELS[service].operation_model(operation)
    call = getattr(made, next(name for name, api in made.meta.method_to_api_mapping.items() if api == operation))
    try:
        call(**smallest(model.input_shape, operation))
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("ResourceNotFoundException", "InvalidInputException"), error
