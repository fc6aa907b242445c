"""The module that CloudFormation supplies to inline code of Lambda functions: a custom resource's answer.

Its names are AWS's (docs/aws-sources.md#cloudformation-cfn-lambda-function-code-cfnresponsemodule). It is copied into
the functions, so it imports nothing of Storecast.
"""

import json
import urllib.request
from typing import Any

SUCCESS, FAILED = "SUCCESS", "FAILED"


def send(  # noqa: N803 (the arguments' names are AWS's)
    event: dict[str, Any],
    context: Any,
    responseStatus: str,
    responseData: dict[str, Any],
    physicalResourceId: str | None = None,
    noEcho: bool = False,
    reason: str | None = None,
) -> None:
    answer = {
        "Status": responseStatus,
        "Reason": reason or f"See the details in CloudWatch Log Stream: {context.log_stream_name}",
        "PhysicalResourceId": physicalResourceId or context.log_stream_name,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": noEcho,
        "Data": responseData,
    }
    body = json.dumps(answer).encode()
    # CloudFormation presigns the address without a type.
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")
    with urllib.request.urlopen(request) as response:  # CloudFormation's own address  # nosec B310
        print("Status code:", response.status)
