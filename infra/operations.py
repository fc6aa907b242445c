"""What all pipelines of a dataset share: notifications, clean-up, the lock, and the Lambda code with its layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_cdk import Arn, ArnFormat, CfnOutput, CustomResource, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import budget, encryption, functions, layer, watching
from infra.checks import acknowledge
from infra.config import Pipeline
from infra.machine import Watch
from infra.permissions import Permission, acknowledge_wildcards, document

_LAMBDAS = Path(__file__).resolve().parent.parent / "lambdas"


class Operations(Stack):
    """SNS topic, notify and cleanup functions, lock table, dead letters, shared layer and code."""

    def __init__(self, scope: Construct, construct_id: str, *, config: Pipeline, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        shared = assets.Asset(self, "LayerFiles", path=str(layer.assemble()))
        code = assets.Asset(self, "Code", path=str(_LAMBDAS), exclude=["common", "**/__pycache__"])
        key = encryption.key(self, config)
        self.key = key if config.customer_managed_key else None
        self.key_arn = key.key_arn if self.key else None
        self.toolbox = functions.Toolbox(dataset=config.dataset, code=code, layer=shared, key=self.key_arn)
        group = functions.log_group(self, self.toolbox, "operations")

        self.topic = sns.Topic(
            self, "Notifications", display_name=f"Storecast {config.dataset}", enforce_ssl=True, master_key=key
        )
        # A topic with a policy of its own has lost the default one, under which alarms could publish.
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"{teller}.amazonaws.com") for teller in encryption.TELLERS],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        # EventBridge knows no conditions here (docs/aws-sources.md#eventbridge-eb-use-resource-based)
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
            )
        )
        lock = dynamodb.CfnTable(
            self,
            "Lock",
            billing_mode="PAY_PER_REQUEST",
            key_schema=[dynamodb.CfnTable.KeySchemaProperty(attribute_name="pipeline", key_type="HASH")],
            attribute_definitions=[
                dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name="pipeline", attribute_type="S")
            ],
            sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True,
                **({"sse_type": "KMS", "kms_master_key_id": self.key_arn} if self.key_arn else {}),
            ),
            point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                point_in_time_recovery_enabled=True
            ),
        )
        lock.apply_removal_policy(RemovalPolicy.DESTROY)
        notify = functions.lambda_function(
            self,
            self.toolbox,
            group,
            "operations/notify",
            environment={"TOPIC_ARN": self.topic.topic_arn},
            permissions=[
                Permission(["sns:Publish"], [self.topic.topic_arn]),
                Permission(
                    ["states:GetExecutionHistory"],
                    [self._executions(pipeline) for pipeline in watching.pipelines_of(config)],
                    "executions of this dataset's machines: their names are given at run time",
                ),
            ],
            key=key.key_arn,
        )
        self.watch = Watch(table=lock, notify=notify, key=self.key_arn)
        self.dead_letters = self._dead_letters(config)
        watching.alarms(self, config=config, topic=self.topic, dead_letters=self.dead_letters)
        watching.dashboard(self, config=config)
        watching.stopped_runs(self, config=config, topic=self.topic, dead_letters=self.dead_letters)
        if config.budget:
            budget.monthly(self, dataset=config.dataset, usd=config.budget.monthly_usd, topic=self.topic)
        self._cleanup = functions.lambda_function(
            self,
            self.toolbox,
            group,
            "operations/cleanup",
            timeout_seconds=900,
            permissions=[
                Permission(["lambda:InvokeFunction"], [self._named_function("cleanup")]),
                # In the function's own role, which is there before and after every stack that it cleans up.
                Permission(
                    ["cloudformation:DescribeStacks"],
                    [
                        self.format_arn(
                            service="cloudformation", resource="stack", resource_name=f"storecast-{config.dataset}-*/*"
                        )
                    ],
                    "stacks of this dataset: their ids are given at run time",
                ),
            ],
        )
        self._cleanup_role = Arn.extract_resource_name(self._cleanup.role, "role")
        CfnOutput(self, "NotificationsTopic", value=self.topic.topic_arn, description="Reports runs and failures")
        CfnOutput(self, "LockTable", value=lock.ref)

    def _dead_letters(self, config: Pipeline) -> sqs.CfnQueue:
        """Where EventBridge puts starts of a pipeline that it could not deliver, for its rules of this dataset."""
        queue = sqs.CfnQueue(
            self,
            "DeadLetters",
            **({"kms_master_key_id": self.key_arn} if self.key_arn else {"sqs_managed_sse_enabled": True}),
            message_retention_period=14 * 86_400,
        )
        queue.apply_removal_policy(RemovalPolicy.DESTROY)
        rules = self.format_arn(service="events", resource="rule", resource_name=f"storecast-{config.dataset}-*")
        events = iam.PolicyStatement(
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.attr_arn],
            conditions={"ArnLike": {"aws:SourceArn": rules}},
        )
        tls_only = iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=["sqs:*"],
            resources=[queue.attr_arn],
            conditions={"Bool": {"aws:SecureTransport": "false"}},
        )
        sqs.CfnQueuePolicy(
            self,
            "DeadLettersPolicy",
            queues=[queue.ref],
            policy_document=iam.PolicyDocument(statements=[events, tls_only]),
        )
        acknowledge(queue, "SQS3", "this is the dead-letter queue itself")
        CfnOutput(self, "DeadLettersQueue", value=queue.ref, description="Starts that could not be delivered")
        return queue

    def clean_up(
        self, scope: Construct, permissions: Sequence[Permission], properties: dict[str, Any]
    ) -> CustomResource:
        """On deletion of the stack around `scope`, have the cleanup function remove what `properties` name.

        The `permissions` to do so come and go with that stack. An update that removes or replaces the custom resource
        deletes nothing (lambdas/operations/cleanup.py).
        """
        policy = iam.CfnPolicy(
            scope,
            "CleanupRight",
            policy_name=f"cleanup-{scope.node.id}",
            roles=[self._cleanup_role],
            policy_document=document(permissions),
        )
        acknowledge_wildcards(policy, permissions)
        resource = CustomResource(
            scope,
            "Cleanup",
            service_token=self._cleanup.attr_arn,
            resource_type="Custom::StorecastCleanup",
            properties=properties,
        )
        resource.node.add_dependency(policy)
        return resource

    def _executions(self, pipeline: str) -> str:
        return self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"storecast-{self.toolbox.dataset}-{pipeline}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )

    def _named_function(self, step: str) -> str:
        return self.format_arn(
            service="lambda",
            resource="function",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
            resource_name=f"storecast-{self.toolbox.dataset}-operations-{step}",
        )
