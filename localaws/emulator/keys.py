"""Customer managed keys: what S3, a topic or a queue keeps under one is for those alone who may use the key too.

Nothing is encrypted here; IAM and the key's policy are asked as on AWS (docs/aws-sources.md#s3-UsingKMSEncryption, by a
bucket's default encryption; docs/aws-sources.md#sns-key-management; docs/aws-sources.md#sqs-key-management).
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3, sns, sqs

# What an action on something that is kept under a key takes of the key.
NEEDED = {
    "s3:GetObject": ("kms:Decrypt",),
    "s3:PutObject": ("kms:GenerateDataKey",),
    "sns:Publish": ("kms:GenerateDataKey", "kms:Decrypt"),
    "sqs:SendMessage": ("kms:GenerateDataKey", "kms:Decrypt"),
}


def key_of(resource: str) -> str | None:
    """The ARN of the customer managed key under which a topic, a queue or an object's bucket keeps what it is given."""
    if resource.startswith("arn:aws:sns:"):
        key = (sns._topics.get(resource) or {}).get("attributes", {}).get("KmsMasterKeyId")
    elif resource.startswith("arn:aws:sqs:"):
        key = (sqs._queue_by_arn(resource) or {}).get("attributes", {}).get("KmsMasterKeyId")
    else:
        bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        key = s3._bucket_default_sse_headers(bucket).get("x-amz-server-side-encryption-aws-kms-key-id")
    if not key or "alias/aws/" in key:  # AWS's own key: whoever may use the service may use it
        return None
    return key if key.startswith("arn:") else f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key}"
