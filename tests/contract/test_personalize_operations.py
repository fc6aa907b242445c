"""Every operation of Personalize's three services is served, or is one of those left out and says so."""

import pytest
from botocore.model import Shape

from localaws.settings import Settings
from tests.contract.clients import client
from tests.contract.helpers import ended, gone, unique

# User segments, data deletion, metric attributions and actions.
LEFT_OUT = {
    "CreateBatchSegmentJob",
    "CreateDataDeletionJob",
    "CreateMetricAttribution",
    "DeleteMetricAttribution",
    "DescribeBatchSegmentJob",
    "DescribeDataDeletionJob",
    "DescribeMetricAttribution",
    "GetActionRecommendations",
    "ListBatchSegmentJobs",
    "ListDataDeletionJobs",
    "ListMetricAttributionMetrics",
    "ListMetricAttributions",
    "PutActionInteractions",
    "PutActions",
    "UpdateMetricAttribution",
}
ARN = "arn:aws:personalize:us-east-1:000000000000:nothing/none"
ROLE = "arn:aws:iam::000000000000:role/none"


def _least(shape: Shape, name: str = ""):
    """The smallest input that the model allows."""
    if shape.type_name == "structure":
        return {each: _least(shape.members[each], each) for each in shape.required_members}
    if shape.type_name == "list":
        return [_least(shape.member, name)] * max(shape.metadata.get("min", 0), 1)
    if shape.type_name == "map":
        return {}
    if shape.type_name != "string":
        return {"timestamp": 1_700_000_000, "boolean": False}.get(shape.type_name, 1)
    if shape.enum:
        return shape.enum[0]
    if name.lower().endswith("rolearn"):
        return ROLE
    if name == "path":
        return "s3://nowhere/"
    return ARN if name.lower().endswith("arn") else unique("x").replace("_", "-")


@pytest.mark.parametrize("service", ["personalize", "personalize-runtime", "personalize-events"])
def test_an_operation_is_served_or_says_that_it_is_not(embedded_aws: Settings, service: str) -> None:
    made = client(service)
    unbuilt = {}
    for name in made.meta.service_model.operation_names:
        model = made.meta.service_model.operation_model(name)
        method = next(method for method, operation in made.meta.method_to_api_mapping.items() if operation == name)
        try:
            answer = getattr(made, method)(**(_least(model.input_shape) if model.input_shape else {}))
        except made.exceptions.ClientError as error:
            if error.response["Error"]["Code"] == "UnsupportedOperation":
                unbuilt[name] = error.response["Error"]["Message"]
        else:
            if name == "CreateDatasetGroup":
                arn = {"datasetGroupArn": answer["datasetGroupArn"]}
                ended(made.describe_dataset_group, "datasetGroup", **arn)
                made.delete_dataset_group(**arn)
                gone(made.describe_dataset_group, **arn)
    assert set(unbuilt) == LEFT_OUT & set(made.meta.service_model.operation_names)
    for name, message in unbuilt.items():
        assert name in message and "not built" in message
