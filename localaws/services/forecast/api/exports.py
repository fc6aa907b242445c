"""The export jobs of all kinds: what they share is the role, the destination and the format."""

from functools import partial
from typing import Any

from localaws.registration import Context
from localaws.services.forecast import schema
from localaws.services.forecast.resource_types import create


def export(context: Context, kind: str, params: dict, function: str, **arguments: Any) -> dict:
    """Starts the export of a Create call and answers with its ARN.

    `function` of `jobs/exports.py` writes the files; it gets the access to S3, the path, the format, the job's name,
    and `arguments`. Raises ServiceError InvalidInputException for an unknown Format.
    """
    file_format = schema.format_of(params)
    job = create(context, kind, params)
    destination = params["Destination"]["S3Config"]
    context.jobs.submit(
        job.arn,
        f"localaws.services.forecast.jobs.exports:{function}",
        {
            "access": partial(context.assume, destination["RoleArn"], "forecast.amazonaws.com", job.arn),
            "path": destination["Path"],
            "file_format": file_format,
            "name": job.name,
            **arguments,
        },
    )
    return {f"{kind}Arn": job.arn}
