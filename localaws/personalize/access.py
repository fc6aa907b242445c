"""What a job may do in Amazon S3: Personalize needs both a role with the right and a bucket policy that lets it in.

Source: granting-personalize-s3-access.md.
"""

from localaws.gateway import Context
from localaws.objects import Access, split
from localaws.personalize.kinds import invalid
from localaws.resources import Resource

PRINCIPAL = "personalize.amazonaws.com"
READ, WRITE = ("s3:ListBucket", "s3:GetObject"), ("s3:ListBucket", "s3:PutObject")


def s3_access(context: Context, job: Resource, needs: list[tuple[tuple[str, ...], str]], what: str) -> Access:
    """The role of a job, once the bucket policies allow its (actions, location) pairs. `what` names it in the error."""
    access = context.assume(job.record["roleArn"], PRINCIPAL, job.arn)
    for actions, location in needs:
        bucket, key = split(location)
        for action in actions:
            resource = bucket if action == "s3:ListBucket" else f"{bucket}/{key}"
            if not context.bucket_policy_allows(PRINCIPAL, action, f"arn:aws:s3:::{resource}", job.arn):
                raise invalid(
                    f"Failed to create a {what}. Insufficient privileges for accessing data in Amazon S3. "
                    f"The policy of bucket {bucket} does not allow {action} to {PRINCIPAL}."
                )
    return access
