"""The export jobs of all resource types: what they share is the role, the destination and the format."""

from collections.abc import Callable
from typing import TypeVar

from localaws.jobs import Result
from localaws.registration import Context
from localaws.s3 import Access
from localaws.services.forecast import schema
from localaws.services.forecast.access import assume, check_caller
from localaws.services.forecast.jobs.exports import Destination
from localaws.services.forecast.resource_types import FORECAST

A = TypeVar("A")


def export(
    context: Context,
    type_name: str,
    params: dict,
    function: Callable[[A, Access], Result],
    arguments: Callable[[Destination], A],
) -> dict:
    """Starts the export of a Create call and answers with its ARN.

    `function` of `jobs/exports.py` writes the files that `arguments` says for a destination.
    Raises ServiceError InvalidInputException for an unknown Format.
    """
    file_format = schema.format_of(params)
    if key := params["Destination"]["S3Config"].get("KMSKeyArn"):
        check_caller(context, key)
    job = FORECAST.create(context, type_name, params)
    location = params["Destination"]["S3Config"]
    to = Destination(location["Path"], file_format, job.name)
    context.jobs.submit(job.arn, function, arguments(to), access=assume(context, location["RoleArn"], job.arn))
    return {f"{type_name}Arn": job.arn}
