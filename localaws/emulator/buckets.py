"""What a service may do with a bucket under a role that its caller passed, found out without a call of S3.

An API call must not wait for another one: S3 answers on the thread that it would wait on.
"""

from collections.abc import Iterable

from ministack.services import s3

from localaws.emulator.access import require_of_role
from localaws.emulator.keys import NEEDED, key_of
from localaws.emulator.roles import require_trust
from localaws.s3 import OF_BUCKETS, split


def require_location(role_arn: str, principal: str, source_arn: str, actions: Iterable[str], path: str) -> None:
    """Raises ServiceError AccessDeniedException unless the service `principal` may take the role on for `source_arn`,
    and the role may do the actions on the bucket of the s3:// `path`, or on the file or folder there.

    Lists are asked for without a prefix: the guides grant them without a condition.
    """
    require_trust(role_arn, principal, source_arn)
    bucket, key = split(path)
    for action in actions:
        resource = f"arn:aws:s3:::{bucket}" + ("" if action in OF_BUCKETS else f"/{key}")
        require_of_role(role_arn, action, resource)
        if encrypted_under := key_of(resource):
            for use in NEEDED.get(action, ()):
                require_of_role(role_arn, use, encrypted_under)


def holds(path: str) -> bool:
    """Whether there is an object at the s3:// path of a file, or below that of a folder or bucket."""
    bucket, key = split(path)
    there = s3._ensure_bucket(bucket)
    return there is not None and any(each.startswith(key) for each in there["objects"])
