"""The forecasting job on AWS Glue (engine: storecast): the job, its role, its logs, and the engines that it runs.

The script and the engines go up as assets: the CDK uploads them once per content.
"""

from __future__ import annotations

from pathlib import Path

from aws_cdk import ArnFormat, FileAssetPackaging, RemovalPolicy, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra import bundle, permissions
from infra.checks import acknowledge
from infra.config import Pipeline
from infra.config.forecasting import Glue
from infra.permissions import Permission
from infra.storage import Storage, reading, writing

GLUE_VERSION = "5.0"
_SCRIPT = Path(__file__).with_name("glue") / "forecast_job.py"
_KEPT_DAYS = 90


def job_name(config: Pipeline) -> str:
    return f"storecast-{config.dataset}-forecasting"


class ForecastingJob(Construct):
    """A Spark job that takes as many workers as it has work for, one run at a time."""

    def __init__(
        self, scope: Construct, construct_id: str, *, config: Pipeline, section: Glue, storage: Storage, key: str | None
    ) -> None:
        super().__init__(scope, construct_id)
        self._stack, self._key = Stack.of(self), key
        self.name = job_name(config)
        self.arn = self._stack.format_arn(service="glue", resource="job", resource_name=self.name)
        # docs/aws-sources.md#glue-monitor-continuous-logging
        self._logs = f"/aws/vendedlogs/storecast/{config.dataset}/{self.name}"
        self._groups = [self._log_group(what) for what in ("output", "error")]
        script = assets.Asset(self, "Script", path=str(_SCRIPT))
        engines = self._engines()
        role = self._role(
            config, storage, [self._object(script.s3_bucket_name, script.s3_object_key), self._object(*engines)]
        )
        secured = self._security(key) if key else None
        self.job = glue.CfnJob(
            self,
            "Job",
            name=self.name,
            description=f"Storecast {config.dataset}: trains and forecasts (storecast_engines.distributed)",
            role=role.role_arn,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=script.s3_object_url
            ),
            glue_version=GLUE_VERSION,
            worker_type=section.worker_type,
            number_of_workers=section.number_of_workers,
            timeout=section.timeout,
            max_retries=0,  # what failed once fails again, and costs again
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=1),
            security_configuration=secured.ref if secured else None,
            tags=config.tags,
            default_arguments={
                "--additional-python-modules": f"s3://{engines[0]}/{engines[1]}",
                "--python-modules-installer-option": "--no-index",
                "--enable-auto-scaling": "true",
                "--enable-metrics": "true",
                "--custom-logGroup-prefix": self._logs,
                "--job-language": "python",
            },
        )
        if not secured:
            why = "CloudWatch Logs and S3 encrypt by themselves; customer_managed_key: true takes the app's own key"
            acknowledge(self.job, "GL1", why)
            acknowledge(self.job, "GL3", "the job has no bookmarks")

    def _engines(self) -> tuple[str, str]:
        """Bucket and key of the zip of wheels. Glue goes by the ending of its name, so the CDK must not give it one."""
        made = bundle.assemble()
        place = self._stack.synthesizer.add_file_asset(
            file_name=str(made),
            packaging=FileAssetPackaging.FILE,
            source_hash=f"{made.parent.name}.{made.name.removesuffix('.zip')}",
        )
        return place.bucket_name, place.object_key

    def _object(self, bucket: str, key: str) -> str:
        return f"arn:{self._stack.partition}:s3:::{bucket}/{key}"

    def _log_group(self, stream: str) -> logs.CfnLogGroup:
        group = logs.CfnLogGroup(
            self,
            f"{stream.capitalize()}Logs",
            log_group_name=f"{self._logs}/{stream}",
            retention_in_days=_KEPT_DAYS,
            kms_key_id=self._key,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        return group

    def _role(self, config: Pipeline, storage: Storage, code: list[str]) -> iam.Role:
        """May read what was delivered and what Plan staged, and write what the pipeline reads; its own logs."""
        folder = f"forecasting/{config.dataset}/"
        groups = self._stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{self._logs}/*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        encrypted = [Permission(["logs:AssociateKmsKey"], [groups], _LOGS)] if self._key else []
        return permissions.role(
            self,
            "JobRole",
            principal=permissions.service(self._stack, "glue"),
            description=f"Storecast {config.dataset}: the forecasting job",
            permissions=[
                Permission(
                    ["s3:GetObjectVersion"],
                    [f"{storage.data_arn}/{folder}*"],
                    "objects under this prefix, as the plan saw them: their names come at run time",
                ),
                reading(storage.results_arn, f"{folder}staged/")[0],
                *reading(storage.results_arn, f"{folder}jobs/"),
                *writing(storage.results_arn, f"{folder}jobs/"),
                Permission(["s3:GetObject"], code),
                Permission(["logs:CreateLogGroup"], [groups], _LOGS),
                Permission(["logs:CreateLogStream", "logs:PutLogEvents"], [each.attr_arn for each in self._groups]),
                *encrypted,
                Permission(
                    ["cloudwatch:PutMetricData"],
                    ["*"],
                    "IAM knows no resources of this action",
                    {"StringEquals": {"cloudwatch:namespace": "Glue"}},
                ),
            ],
            key=self._key,
        )

    def _security(self, key: str) -> glue.CfnSecurityConfiguration:
        """Everything that Glue itself keeps of a run, under the app's key."""
        made = glue.CfnSecurityConfiguration
        return made(
            self,
            "Security",
            name=self.name,
            encryption_configuration=made.EncryptionConfigurationProperty(
                s3_encryptions=[made.S3EncryptionProperty(s3_encryption_mode="SSE-KMS", kms_key_arn=key)],
                cloud_watch_encryption=made.CloudWatchEncryptionProperty(
                    cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key
                ),
                job_bookmarks_encryption=made.JobBookmarksEncryptionProperty(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key
                ),
            ),
        )


_LOGS = "log groups of this job: Glue names their streams after its runs"
