"""What Forecast may reach under the roles that its callers pass."""

from collections.abc import Callable, Mapping
from functools import partial

from localaws.errors import ServiceError, invalid
from localaws.registration import Context
from localaws.s3 import GET, LIST, LOCATE, Access
from localaws.services.forecast.resource_types import TYPES

PRINCIPAL = "forecast.amazonaws.com"
# docs/aws-sources.md#forecast-aws-forecast-iam-roles grants kms:* to the role, AWS's solution
# improving-forecast-accuracy-with-machine-learning these of it.
USES_OF_KEYS = (
    *("kms:DescribeKey", "kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"),
    *("kms:CreateGrant", "kms:ListGrants", "kms:RetireGrant", "kms:RevokeGrant"),
)


def assume(context: Context, role: str, job: str) -> Callable[[], Access]:
    """Assumes the role when the job of this ARN starts."""
    return partial(context.assume, role, PRINCIPAL, job)


def check_source(context: Context, params: Mapping) -> None:
    """Of CreateDatasetImportJob: the role must be able to read what it is to import, and there must be something.

    Raises ServiceError InvalidInputException, where the role lacks what
    docs/aws-sources.md#forecast-aws-forecast-iam-roles grants; and where nothing is there, in the words of
    github.com/aws-samples/amazon-forecast-samples/issues/77.
    """
    path, role = params["DataSource"]["S3Config"]["Path"], params["DataSource"]["S3Config"]["RoleArn"]
    job = context.arn("forecast", TYPES.types["DatasetImportJob"].resource_part(params))
    try:
        context.require_location(role, PRINCIPAL, job, (LOCATE, LIST, GET), path)
    except ServiceError as error:
        raise invalid(f"Insufficient privileges for accessing data in Amazon S3 at {path}: {error.message}") from None
    if not context.holds(path):
        raise invalid(f"No objects found in s3 path {path}, please ensure the path is specified correctly.")


def check_key(context: Context, type_name: str, params: Mapping) -> None:
    """The EncryptionConfig of a Create call, where there is one: its role must be able to use its key.

    Raises ServiceError InvalidInputException (docs/aws-sources.md#forecast-API_EncryptionConfig).
    """
    if not params.get("EncryptionConfig"):
        return
    role, key = params["EncryptionConfig"]["RoleArn"], params["EncryptionConfig"]["KMSKeyArn"]
    if role.split(":")[4] != context.account:
        raise invalid(f"EncryptionConfig: the role {role} is of another account")
    arn = context.arn("forecast", TYPES.types[type_name].resource_part(params))
    try:
        context.require_key(role, PRINCIPAL, key, arn, USES_OF_KEYS)
    except ServiceError as error:
        raise invalid(f"EncryptionConfig: {key} cannot be used: {error.message}") from None
    check_caller(context, key)


def check_caller(context: Context, key: str) -> None:
    """Raises ServiceError AccessDeniedException unless the caller may use the key as well as the role (Forecast guide,
    security-iam-id-based-policy-examples)."""
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        context.require(action, key, {})
