"""boto3 clients that hold every answer and every error against botocore's own model of the service."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator

from localaws.protocol import check
from tests.contract.helpers import unique
from tests.recordings import without_empty

# What any operation of AWS may answer without its model saying so, and what our own service says of unbuilt ones.
COMMON_ERRORS = {
    "AccessDeniedException",
    "InvalidClientTokenId",
    "SerializationException",
    "SignatureDoesNotMatch",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "UnsupportedOperation",
    "ValidationException",
}
OURS = ("forecast", "forecastquery", "personalize", "personalize-runtime", "personalize-events", "sagemaker")


def client(service: str, session: boto3.Session | None = None, **options: Any):
    """A client; of our services one that fails the test on any answer that the model does not allow."""
    config = Config(retries={"total_max_attempts": 1}, **options)
    made = (session or boto3.Session()).client(service, config=config)
    if service in OURS:
        made.meta.events.register("before-parse", _check_body)
        made.meta.events.register("after-call", _check_parsed)
    return made


def client_sending(service: str, body: dict):
    """A client that sends `body` whatever it is asked: botocore does not check it first, the service must."""
    made = client(service, parameter_validation=False)
    made.meta.events.register("before-call", lambda params, **_: params.update(body=json.dumps(body).encode()))
    return made


def _check_body(operation_model: OperationModel, response_dict: dict, **_: Any) -> None:
    """On the JSON as sent: nothing that the model does not know, every enum and range kept.

    Not patterns: the models give answers wrong ones (DescribePredictor's PredictorArn has that of a name).
    """
    if response_dict["status_code"] >= 300 or not response_dict["body"]:
        return
    body = json.loads(response_dict["body"])
    if operation_model.output_shape is None:
        assert body == {}, f"{operation_model.name} has no output, yet answers {body}"
        return
    assert not (unknown := _unknown(operation_model.output_shape, body, operation_model.name)), unknown
    problems = check(operation_model.output_shape, without_empty(body))
    problems = [each for each in problems if "expression pattern" not in each]
    assert not problems, problems


def _unknown(shape: Shape, value: Any, path: str) -> list[str]:
    """Members of the answer that the model lacks; botocore's parser drops them silently."""
    if shape.type_name == "structure":
        known = [(name, item) for name, item in value.items() if name in shape.members]
        below = [each for name, item in known for each in _unknown(shape.members[name], item, f"{path}.{name}")]
        return [f"{path}.{name}" for name in value if name not in shape.members] + below
    if shape.type_name == "list":
        return [each for item in value for each in _unknown(shape.member, item, f"{path}[]")]
    if shape.type_name == "map":
        return [each for item in value.values() for each in _unknown(shape.value, item, f"{path}{{}}")]
    return []


def _check_parsed(model: OperationModel, http_response: Any, parsed: dict, **_: Any) -> None:
    if http_response.status_code >= 300:
        code = parsed["Error"]["Code"]
        declared = {shape.name for shape in model.error_shapes} | COMMON_ERRORS
        assert code in declared, f"{model.name} answered {code}, which its model does not declare: {parsed['Error']}"
        assert parsed["Error"]["Message"], f"{model.name} answered {code} without a message"
        return
    answer = without_empty({name: value for name, value in parsed.items() if name != "ResponseMetadata"})
    if model.output_shape is not None:
        report = ParamValidator().validate(answer, model.output_shape)
        assert not report.has_errors(), f"{model.name}: {report.generate_report()}"


def refused(code: str, call: Callable[..., Any], *words: str, **params: Any) -> str:
    """The call fails with `code`, and its message holds all `words`; answers the message."""
    with pytest.raises(ClientError) as raised:
        call(**params)
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    for word in words:
        assert word in error["Message"], (word, error["Message"])
    return error["Message"]


def call_with_least(made, operation: str) -> dict:
    """What an operation answers to the smallest input that its model allows, about resources that do not exist."""
    model = made.meta.service_model.operation_model(operation)
    method = next(method for method, name in made.meta.method_to_api_mapping.items() if name == operation)
    return getattr(made, method)(**(_least(model.input_shape, made.meta.service_model) if model.input_shape else {}))


def _least(shape: Shape, service: ServiceModel, name: str = "") -> Any:
    if shape.type_name == "structure":
        return {each: _least(shape.members[each], service, each) for each in shape.required_members}
    if shape.type_name == "list":
        return [_least(shape.member, service, name)] * max(shape.metadata.get("min", 0), 1)
    if shape.type_name == "map":
        return {}
    if shape.type_name != "string":
        return {"timestamp": 1_700_000_000, "boolean": False}.get(shape.type_name, 1)
    if shape.enum:
        return shape.enum[0]
    if name.lower().endswith("rolearn"):
        return "arn:aws:iam::000000000000:role/none"
    if name.lower() == "path":
        return "s3://nowhere/"
    if name.lower().endswith(("arn", "arns")):
        return f"arn:aws:{service.signing_name}:us-east-1:000000000000:nothing/none"
    return unique("x").replace("_", "")
