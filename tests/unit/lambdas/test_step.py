"""What the state machine sees of a step's errors: those that pass by one name, all others by their own."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError


def _answer(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "so"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "CreateForecast"
    )


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (_answer("ThrottlingException", 400), "ServiceUnavailable"),
        (_answer("SlowDown", 503), "ServiceUnavailable"),
        (_answer("InternalFailure", 500), "ServiceUnavailable"),
        (EndpointConnectionError(endpoint_url="https://forecast"), "ServiceUnavailable"),
        (ConnectTimeoutError(endpoint_url="https://forecast"), "ServiceUnavailable"),
        (_answer("AccessDeniedException", 400), "ClientError"),
        (_answer("LimitExceededException", 400), "ClientError"),
        (ValueError("row 7"), "ValueError"),
    ],
)
def test_errors_that_pass_have_a_name_of_their_own(error: Exception, name: str, context: Any) -> None:
    from common.step import step

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        raise error

    with pytest.raises(Exception, match="so|row 7|forecast") as raised:
        step(handler)({}, context)
    assert type(raised.value).__name__ == name
