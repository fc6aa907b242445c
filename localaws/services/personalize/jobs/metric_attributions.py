"""What a metric attribution does under its role: a try in a process of its own, and data for CloudWatch."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from localaws.errors import JobFailed, ServiceError
from localaws.jobs import Result
from localaws.s3 import Access, client, write

NAMESPACE = "AWS/Personalize"
MOST_DATA = 1000  # of a PutMetricData call


@dataclass(frozen=True)
class TryOut:
    """`place`: the s3:// folder for reports, None without one."""

    place: str | None


def try_out(job: TryOut, access: Access) -> Result:
    """Leaves a small amount of data in CloudWatch, as docs/aws-sources.md#personalize-metric-attribution-requirements
    says, and a file in the bucket. Raises JobFailed where the role may not."""
    try:
        publish(access, [{"MetricName": "ValidateMetricAttribution", "Value": 0.0}])
    except ServiceError as error:
        raise JobFailed(str(error)) from None
    if job.place is not None:
        write(access, job.place, "_CHECK", b"")
    return Result()


def publish(access: Access, data: list[dict]) -> None:
    """Raises ServiceError with what CloudWatch answered."""
    cloudwatch = client(access, "cloudwatch")
    try:
        for first in range(0, len(data), MOST_DATA):
            cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data[first : first + MOST_DATA])
    except ClientError as error:
        found = error.response["Error"]
        raise ServiceError(found["Code"], f"Role {access.role} cannot put metric data: {found['Message']}") from None
