"""Every operation that botocore's models of Amazon Forecast know is served."""

import pytest
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.contract.clients import call_with_least, client


@pytest.mark.parametrize("service", ["forecast", "forecastquery"])
def test_every_operation_is_served(embedded_aws: Settings, service: str) -> None:
    """It works, or it refuses what is not there or not right; none says that it is not built."""
    made, codes = client(service), {}
    for name in made.meta.service_model.operation_names:
        try:
            call_with_least(made, name)
        except ClientError as error:
            codes[name] = error.response["Error"]["Code"]
    assert set(codes.values()) <= {"ResourceNotFoundException", "InvalidInputException"}, codes
