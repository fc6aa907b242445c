"""Where data comes in and results go out, and the roles under which Forecast and Personalize reach them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import permissions
from infra.config import Pipeline
from infra.config.recommending import Recommending
from infra.operations import Operations
from infra.permissions import Permission
from infra.removal import outlives_its_stack

# What the guides grant on the bucket itself: Get* and List* in docs/aws-sources.md#forecast-aws-forecast-iam-roles, and
# ListBucket alone in docs/aws-sources.md#personalize-granting-personalize-s3-access.
_OF_BUCKETS = {"forecast": ("s3:GetBucketLocation", "s3:ListBucket"), "personalize": ("s3:ListBucket",)}
WORKSHOP = "workshop/"  # where learners keep their files, a folder each, in both buckets


class Storage(Stack):
    """Data bucket, results bucket, their access logs, and the two service roles.

    The buckets outlive the stack unless the config's purpose is a workshop; then they are emptied and go with it.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Pipeline, operations: Operations, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._stays = config.purpose == "production"
        # S3 delivers access logs to buckets under its own key alone (docs/aws-sources.md#s3-ServerLogs).
        logs = self._bucket("AccessLogs", expiration=Duration.days(90))
        keyed: dict[str, Any] = {"encryption_key": operations.key, "bucket_key_enabled": bool(operations.key)}
        self.data = self._bucket("Data", server_access_logs_bucket=logs, server_access_logs_prefix="data/", **keyed)
        self.results = self._bucket(
            "Results", server_access_logs_bucket=logs, server_access_logs_prefix="results/", **keyed
        )
        for pipeline in ("forecasting", "recommending"):  # longer than a run takes
            staged = f"{pipeline}/{config.dataset}/staged/"
            self.results.add_lifecycle_rule(prefix=staged, expiration=Duration.days(7))
        # Set on the resource itself: the construct's own switch would bring a helper function along.
        bucket = self.data.node.default_child
        assert isinstance(bucket, s3.CfnBucket)  # the one that every Bucket makes
        bucket.add_property_override("NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True)
        # Other stacks name objects by these, so that what cdk-nag says about them can be foreseen.
        self.data_arn = self.export_value(self.data.bucket_arn)
        self.results_arn = self.export_value(self.results.bucket_arn)

        if config.forecasting and config.forecasting.engine == "amazon-forecast":
            self.forecast_role = self._role_of_forecast(f"forecasting/{config.dataset}/", operations.key_arn)
        if config.recommending:
            recommending = f"recommending/{config.dataset}/"
            self.personalize_role = self._role_of_personalize(config.recommending, recommending, operations.key_arn)
        self._admit_personalize(self.data, WORKSHOP, "s3:GetObject")

        if not self._stays:
            self._empty_at_the_end(operations, [self.data, self.results, logs])
        CfnOutput(self, "DataBucket", value=self.data.bucket_name, description="Upload CSVs here")
        CfnOutput(
            self, "ResultsBucket", value=self.results.bucket_name, description="Forecasts, recommendations, reports"
        )
        if config.recommending:
            CfnOutput(
                self,
                "RecommendingNewest",
                value=self.results.s3_url_for_object(f"{recommending}newest.json"),
                description="What recommends since the last run, by ARN, and the event tracker's trackingId",
            )

    def _role_of_forecast(self, folder: str, key: str | None) -> iam.Role:
        written = [f"{folder}{kind}/" for kind in ("exports", "backtests", "what-if", "explainability")]
        allowed = [
            *serving("forecast", self.data.bucket_arn, folder),
            *serving("forecast", self.results.bucket_arn, f"{folder}staged/", *written),
            *writing(self.results.bucket_arn, *written),
        ]
        return permissions.service_role(self, "forecast", allowed, key)

    def _role_of_personalize(self, section: Recommending, folder: str, key: str | None) -> iam.Role:
        """With what the buckets' own policies must allow beside it."""
        allowed = serving("personalize", self.data.bucket_arn, folder)
        self._admit_personalize(self.data, folder, "s3:GetObject")
        read = [f"{folder}staged/"]
        if section.batch:
            read.append(f"{folder}batch/")
            allowed += writing(self.results.bucket_arn, f"{folder}batch/")
            self._admit_personalize(self.results, f"{folder}batch/", "s3:PutObject")
        allowed += serving("personalize", self.results.bucket_arn, *read)
        for prefix in read:
            self._admit_personalize(self.results, prefix, "s3:GetObject")
        return permissions.service_role(self, "personalize", allowed, key)

    def _bucket(self, name: str, *, expiration: Duration | None = None, **kwargs: Any) -> s3.Bucket:
        rule = s3.LifecycleRule(
            abort_incomplete_multipart_upload_after=Duration.days(7),
            expiration=expiration,
            noncurrent_version_expiration=Duration.days(90),
        )
        bucket = s3.Bucket(
            self,
            name,
            versioned=True,
            enforce_ssl=True,
            encryption=s3.BucketEncryption.KMS if kwargs.get("encryption_key") else s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            lifecycle_rules=[rule],
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            **kwargs,
        )
        outlives_its_stack(bucket, self._stays)
        return bucket

    def _empty_at_the_end(self, operations: Operations, buckets: Sequence[s3.Bucket]) -> None:
        cleanup = operations.clean_up(
            self,
            [
                Permission(
                    ["s3:ListBucketVersions", "s3:PutBucketLogging", "s3:PutBucketPolicy"],
                    [b.bucket_arn for b in buckets],
                ),
                Permission(
                    ["s3:DeleteObject", "s3:DeleteObjectVersion"],
                    [b.arn_for_objects("*") for b in buckets],
                    "a bucket must be emptied of everything before it can be deleted",
                ),
            ],
            {"Buckets": [b.bucket_name for b in buckets]},
        )
        for bucket in buckets:  # their policies go first, and the clean-up closes them with one of its own
            cast(s3.BucketPolicy, bucket.policy).node.add_dependency(cleanup)

    def _admit_personalize(self, bucket: s3.Bucket, prefix: str, *actions: str) -> None:
        """Personalize needs the bucket's consent beside its role's permission
        (docs/aws-sources.md#personalize-granting-personalize-s3-access)."""
        objects = bucket.arn_for_objects(f"{prefix}*")
        for action, resource in (*((action, objects) for action in actions), ("s3:ListBucket", bucket.bucket_arn)):
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("personalize.amazonaws.com")],
                    actions=[action],
                    resources=[resource],
                    conditions={"StringEquals": {"aws:SourceAccount": self.account}},
                )
            )


def reading(bucket_arn: str, prefix: str) -> list[Permission]:
    """List and get what lies under the prefix."""
    return [
        Permission(
            ["s3:GetObject"], [f"{bucket_arn}/{prefix}*"], "objects under this prefix: their names come at run time"
        ),
        Permission(["s3:ListBucket"], [bucket_arn], conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}}),
    ]


def reading_versions(bucket_arn: str, prefix: str) -> list[Permission]:
    """Get what is under the prefix, and of what was replaced or deleted meanwhile the version that was listed."""
    why = "objects under this prefix: their names come at run time"
    return [
        Permission(["s3:GetObject", "s3:GetObjectVersion"], [f"{bucket_arn}/{prefix}*"], why),
        Permission(["s3:ListBucketVersions"], [bucket_arn], conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}}),
    ]


def serving(service: str, bucket_arn: str, *prefixes: str) -> list[Permission]:
    """What its guide grants to the role of Forecast or Personalize in a bucket that the service reads: objects, here
    under the prefixes, and lists of it without a condition, as nobody says with which prefix a service lists."""
    return [
        Permission(
            ["s3:GetObject"],
            [f"{bucket_arn}/{prefix}*" for prefix in prefixes],
            "objects under these prefixes: their names come at run time",
        ),
        Permission(_OF_BUCKETS[service], [bucket_arn]),
    ]


def writing(bucket_arn: str, *prefixes: str) -> list[Permission]:
    """Put objects under the prefixes."""
    return [
        Permission(
            ["s3:PutObject"],
            [f"{bucket_arn}/{prefix}*" for prefix in prefixes],
            "objects under these prefixes: their names come at run time",
        )
    ]
