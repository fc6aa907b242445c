"""Every operation of Personalize's three services is served, or is one of those left out and says so."""

import pytest

from localaws.settings import Settings
from tests.contract.clients import call_with_least, client
from tests.contract.helpers import ended, gone

# Of the datasets of actions.
LEFT_OUT = {"GetActionRecommendations", "PutActionInteractions", "PutActions"}


@pytest.mark.parametrize("service", ["personalize", "personalize-runtime", "personalize-events"])
def test_an_operation_is_served_or_says_that_it_is_not(embedded_aws: Settings, service: str) -> None:
    made = client(service)
    unbuilt = {}
    for name in made.meta.service_model.operation_names:
        try:
            answer = call_with_least(made, name)
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
