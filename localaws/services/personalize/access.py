"""What Personalize may reach: it needs both a role with the right, and a bucket's or key's own policy that lets it in.

Source: docs/aws-sources.md#personalize-granting-personalize-s3-access.
"""

from localaws.errors import ServiceError, invalid
from localaws.registration import Context
from localaws.resources import Resource
from localaws.s3 import GET, LIST, OF_BUCKETS, PUT, Access, split

PRINCIPAL = "personalize.amazonaws.com"
# Of the role and of the key's policy, which must allow CreateGrant too
# (docs/aws-sources.md#personalize-granting-personalize-key-access).
USES_OF_KEYS = ("kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt", "kms:ListGrants")
READ, WRITE = (LIST, GET), (LIST, PUT)  # dataset exports are not read
WRITE_AND_READ = (LIST, PUT, GET)


def s3_access(context: Context, job: Resource, needs: list[tuple[tuple[str, ...], str]], what: str) -> Access:
    """The role of a job, once the bucket policies allow its (actions, location) pairs. `what` names it in the error."""
    access = context.assume(job.record["roleArn"], PRINCIPAL, job.arn)
    for actions, location in needs:
        bucket, key = split(location)
        for action in actions:
            resource = bucket if action in OF_BUCKETS else f"{bucket}/{key}"
            if not context.resource_policy_allows(PRINCIPAL, action, f"arn:aws:s3:::{resource}", job.arn):
                raise invalid(
                    f"Failed to create a {what}. Insufficient privileges for accessing data in Amazon S3. "
                    f"The policy of bucket {bucket}, or of its key, does not allow {action} to {PRINCIPAL}."
                )
    return access


def check_readable(context: Context, role: str, location: str, arn: str) -> None:
    """Raises ServiceError InvalidInputException, in the service's words, where Personalize may not assume the role, the
    role may not read the files, or the bucket's policy does not let the service in."""
    bucket, _ = split(location)
    try:
        context.require_location(role, PRINCIPAL, arn, READ, location)
        allowed = context.resource_policy_allows(PRINCIPAL, LIST, f"arn:aws:s3:::{bucket}", arn)
    except ServiceError:
        allowed = False
    if not allowed:
        raise invalid(
            "Insufficient privileges for accessing data in S3. Please look at "
            "https://docs.aws.amazon.com/personalize/latest/dg/granting-personalize-s3-access.html and ensure your "
            "role is configured correctly."
        )


def check_key(context: Context, params: dict) -> None:
    """Of a dataset group: both its role and the key's own policy must let Personalize use its key.

    Raises ServiceError InvalidInputException (docs/aws-sources.md#personalize-granting-personalize-key-access).
    """
    key, role = params.get("kmsKeyArn"), params.get("roleArn")
    if not (key or role):
        return
    if not (key and role):
        raise invalid("kmsKeyArn and roleArn belong together: a key, and the role that may use it")
    arn = context.arn("personalize", f"dataset-group/{params['name']}")
    try:
        context.require_key(role, PRINCIPAL, key, arn, USES_OF_KEYS)
    except ServiceError as error:
        raise invalid(f"kmsKeyArn {key} cannot be used: {error.message}") from None
    for action in (*USES_OF_KEYS, "kms:CreateGrant"):
        if not context.resource_policy_allows(PRINCIPAL, action, key, arn):
            raise invalid(f"kmsKeyArn {key} cannot be used: its key policy does not allow {action} to {PRINCIPAL}")
