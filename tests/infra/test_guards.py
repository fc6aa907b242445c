"""What the config can ask for beyond the usual: a customer managed key, a permissions boundary, a VPC; and tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.config.base import Hours
from infra.config.workshop import Vpc, Workshop
from tests.infra.conftest import Assembly, flat, machine, synthesized

_KEY = "Key"


def _in_use(assembly: Assembly) -> Iterator[tuple[str, Any]]:
    """Each resource that keeps data, and the key that it names."""
    for name, bucket in assembly.resources("AWS::S3::Bucket").items():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        yield name, rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    for kind, member in (
        ("AWS::SNS::Topic", "KmsMasterKeyId"),
        ("AWS::SQS::Queue", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "KmsKeyId"),
        ("AWS::Lambda::Function", "KmsKeyArn"),
        ("AWS::SageMaker::NotebookInstance", "KmsKeyId"),
    ):
        yield from ((name, properties.get(member)) for name, properties in assembly.resources(kind).items())
    for name, table in assembly.resources("AWS::DynamoDB::Table").items():
        yield name, table["SSESpecification"].get("KMSMasterKeyId")
    for name, group in assembly.resources("AWS::Athena::WorkGroup").items():
        configuration = group["WorkGroupConfiguration"]["ResultConfiguration"]["EncryptionConfiguration"]
        yield name, configuration.get("KmsKey")


def test_everything_that_keeps_data_does_so_under_the_customer_managed_key(guarded: Assembly) -> None:
    """But for access logs, which S3 writes under its own key alone."""
    [name] = guarded.resources("AWS::KMS::Key")
    key = name.partition("/")[2]
    without = [where for where, used in _in_use(guarded) if key not in flat(used)]
    assert [where.partition("/")[2][:10] for where in without] == ["AccessLogs"]


def test_without_the_option_the_key_is_the_topics_alone(assembly: Assembly) -> None:
    assert [name.partition("/")[0] for name, used in _in_use(assembly) if used] == ["operations"]


def test_the_key_outlives_an_app_whose_buckets_do(assembly: Assembly, guarded: Assembly) -> None:
    for app, policy in ((assembly, "Delete"), (guarded, "Retain")):
        [key] = [r for r in app.templates["operations"]["Resources"].values() if r["Type"] == "AWS::KMS::Key"]
        assert key["DeletionPolicy"] == policy
        [data] = [r for name, r in app.templates["storage"]["Resources"].items() if name.startswith("Data")][:1]
        assert data["DeletionPolicy"] == policy


def test_services_may_use_the_key_for_this_account_and_logs_for_our_groups(guarded: Assembly) -> None:
    [key] = guarded.resources("AWS::KMS::Key").values()
    allowed = {flat(s["Principal"].get("Service")): s for s in key["KeyPolicy"]["Statement"] if "Condition" in s}
    logs = allowed.pop("logs.<AWS::Region>.amazonaws.com")
    groups = flat(logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])
    assert groups.endswith(":log-group:/aws/vendedlogs/storecast/sample/*")
    tellers = [f"{teller}.amazonaws.com" for teller in ("budgets", "cloudwatch")]
    assert set(allowed) == {str(tellers), "personalize.amazonaws.com"}
    for statement in allowed.values():
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "kms:CreateGrant" in allowed["personalize.amazonaws.com"]["Action"]


def test_who_may_read_or_write_what_is_encrypted_may_use_the_key(guarded: Assembly) -> None:
    needed = {
        "s3:GetObject": "kms:Decrypt",
        "s3:PutObject": "kms:GenerateDataKey",
        "sns:Publish": "kms:GenerateDataKey",
        "sqs:SendMessage": "kms:GenerateDataKey",
        "dynamodb:PutItem": "kms:Encrypt",
    }
    seen = set()
    for name, role in guarded.resources("AWS::IAM::Role").items():
        [policy] = role["Policies"]
        actions = {
            action
            for statement in policy["PolicyDocument"]["Statement"]
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        }
        for action in actions & set(needed):
            seen.add(action)
            assert needed[action] in actions, (name, action)
    assert seen == set(needed)


@pytest.mark.parametrize(("pipeline", "service"), [("forecasting", "Forecast"), ("recommending", "Personalize")])
def test_the_pipelines_know_the_key_and_may_hand_it_over(guarded: Assembly, pipeline: str, service: str) -> None:
    order = machine(guarded, pipeline)["States"]["Pipeline"]["Branches"][0]["States"]["Plan"]["Arguments"]["Payload"]
    assert "Key" in order["kmsKeyArn"] and f"{service}Role" in order["roleArn"]
    roles = guarded.resources("AWS::IAM::Role")
    for step in ("Ensure", "Train", "Export") if pipeline == "forecasting" else ("Ensure",):
        [role] = [r for name, r in roles.items() if name.startswith(f"{pipeline}/{step}Role")]
        used = {
            action
            for statement in role["Policies"][0]["PolicyDocument"]["Statement"]
            if "Key" in flat(statement["Resource"])
            for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        }
        assert {"kms:Decrypt", "kms:GenerateDataKey"} <= used, (step, "Forecast asks for them of its caller")
        passing = [s for s in role["Policies"][0]["PolicyDocument"]["Statement"] if s["Action"] == "iam:PassRole"]
        assert [f"{service}Role" in flat(statement["Resource"]) for statement in passing] == [True]


def test_every_role_has_the_permissions_boundary(assembly: Assembly, guarded: Assembly) -> None:
    for role in assembly.resources("AWS::IAM::Role").values():
        assert "PermissionsBoundary" not in role
    for name, role in guarded.resources("AWS::IAM::Role").items():
        assert role["PermissionsBoundary"] == "arn:aws:iam::aws:policy/PowerUserAccess", name


def test_notebooks_are_in_the_vpc_and_have_no_way_around_it(guarded: Assembly) -> None:
    [notebook] = guarded.resources("AWS::SageMaker::NotebookInstance").values()
    assert (notebook["SubnetId"], notebook["SecurityGroupIds"]) == ("subnet-0123abcd", ["sg-0123abcd"])
    assert notebook["DirectInternetAccess"] == "Disabled"


def test_a_guarded_notebook_has_no_findings_to_accept(assembly: Assembly, guarded: Assembly) -> None:
    def accepted(app: Assembly) -> set[str]:
        [report] = json.loads((app.folder / "validation-report.json").read_text())["pluginReports"]
        assert report["violations"] == []
        rules = {finding["ruleName"].rpartition("-")[2] for finding in report["suppressedViolations"]}
        return {rule for rule in rules if rule.startswith("SM")}

    assert (accepted(assembly), accepted(guarded)) == ({"SM1", "SM2", "SM3"}, set())


def test_everything_that_can_have_tags_is_tagged_with_project_dataset_and_owner(assembly: Assembly) -> None:
    from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

    wanted = {"project": "storecast", "dataset": "sample", "owner": "shop team"}
    lacking = []
    for stack, template in assembly.templates.items():
        for name, resource in template["Resources"].items():
            if resource["Type"].startswith(("Custom::", "AWS::CDK::")):
                continue
            shape = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema["properties"]
            member = next((each for each in ("Tags", "HostedZoneTags") if each in shape), None)
            if member:
                given = resource["Properties"].get(member, [])
                tags = {t["Key"]: t["Value"] for t in given} if isinstance(given, list) else given
                if not wanted.items() <= tags.items():
                    lacking.append(f"{stack}/{name} ({resource['Type']})")
    assert lacking == []


def test_the_hours_machine_may_do_what_a_start_in_a_vpc_and_under_a_key_takes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """docs/aws-sources.md#sagemaker-api-permissions-reference."""
    vpc = Vpc(subnet_id="subnet-0123abcd", security_group_ids=("sg-0123abcd",))
    workshop = Workshop(learners=2, vpc=vpc, hours=Hours(start="07:00", stop="20:00"))
    app = synthesized(tmp_path_factory.mktemp("hours"), customer_managed_key=True, workshop=workshop)
    [role] = [
        each for name, each in app.resources("AWS::IAM::Role").items() if name.startswith("workshop/HoursMachine")
    ]
    allowed = {}
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        for action in [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]:
            allowed[action] = flat(statement["Resource"])
    described = [f"ec2:Describe{each}" for each in ("NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")]
    assert {"iam:PassRole", "ec2:CreateNetworkInterface", "kms:DescribeKey", "kms:CreateGrant", *described} <= set(
        allowed
    )
    for place in ("subnet/subnet-0123abcd", "security-group/sg-0123abcd", "network-interface/*"):
        assert place in allowed["ec2:CreateNetworkInterface"]
    assert all(f"Learner0{n}Role" in allowed["iam:PassRole"] for n in (1, 2))


def test_a_notebook_has_another_name_in_another_vpc_or_under_a_key(
    tmp_path_factory: pytest.TempPathFactory, assembly: Assembly
) -> None:
    """CloudFormation cannot replace what keeps its name."""

    def names(vpc: str | None, key: bool) -> set[str]:
        chosen = Vpc(subnet_id=vpc, security_group_ids=("sg-0123abcd",)) if vpc else None
        changed = {"workshop": Workshop(vpc=chosen), "customer_managed_key": key}
        app = synthesized(tmp_path_factory.mktemp("named"), **changed)
        return {each["NotebookInstanceName"] for each in app.resources("AWS::SageMaker::NotebookInstance").values()}

    plain = {each["NotebookInstanceName"] for each in assembly.resources("AWS::SageMaker::NotebookInstance").values()}
    found = [plain, *(names(*each) for each in (("subnet-0123abcd", False), ("subnet-4567abcd", False), (None, True)))]
    assert len(set.union(*found)) == 4 and plain == {"storecast-sample01"}
