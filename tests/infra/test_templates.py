"""What is true of the templates, whatever their details."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.infra.conftest import ROOT, Assembly, flat

# The only actions that may be allowed on "*": AWS lets none of them be narrowed.
_UNNARROWABLE = re.compile(
    r"xray:(Put|GetSampling).*|logs:.*(LogDelivery|LogDeliveries|ResourcePolic(y|ies)|LogGroups)"
    r"|(forecast|personalize):List\w+|personalize:(PutEvents|TagResource)|forecast:CreateAutoPredictor"
    # These could be narrowed to a workgroup; the embedded AWS cannot tell which one a query belongs to.
    r"|athena:GetQuery(Execution|Results)"
)

# Their guides know no aws:SourceArn for the roles of functions and notebook instances: a condition would lock them out.
_SAYS_NOT_FOR_WHOM = {"lambda", "sagemaker"}


_SERVICES = ("forecast.amazonaws.com", "personalize.amazonaws.com")


def _statements(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in assembly.resources("AWS::IAM::Role").items():
        for policy in role.get("Policies", ()):
            yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])
    for name, policy in assembly.resources("AWS::IAM::Policy").items():
        yield from ((name, statement) for statement in policy["PolicyDocument"]["Statement"])


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_five_stacks_within_the_budget_of_resources_and_functions(assembly: Assembly) -> None:
    assert set(assembly.templates) == {"operations", "storage", "forecasting", "recommending", "workshop"}
    assert sum(len(template["Resources"]) for template in assembly.templates.values()) <= 92
    assert len(assembly.resources("AWS::Lambda::Function")) <= 16


def test_no_account_region_or_bucket_name_is_written_down(assembly: Assembly) -> None:
    text = json.dumps(assembly.templates)
    assert not re.search(r"\b\d{12}\b", text)
    assert not re.search(r"\b(eu|us|ap)-[a-z]+-\d\b", text)
    assert all("BucketName" not in bucket for bucket in assembly.resources("AWS::S3::Bucket").values())


def test_nothing_is_allowed_on_everything_but_what_aws_cannot_narrow(assembly: Assembly) -> None:
    for name, statement in _statements(assembly):
        assert not any("*" in action for action in _several(statement["Action"])), (name, statement)
        if "*" in _several(statement["Resource"]):
            assert all(_UNNARROWABLE.fullmatch(action) for action in _several(statement["Action"])), (name, statement)


def test_the_roles_of_forecast_and_personalize_have_what_their_guides_give_them(assembly: Assembly) -> None:
    """docs/aws-sources.md#forecast-aws-forecast-iam-roles,
    docs/aws-sources.md#personalize-granting-personalize-s3-access: lists of a bucket whatever the prefix."""
    roles = {
        name: role["Policies"][0]["PolicyDocument"]["Statement"]
        for name, role in assembly.resources("AWS::IAM::Role").items()
        if flat(role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"])[1:-1] in _SERVICES
    }
    assert len(roles) == 4
    for name, statements in roles.items():
        assert not any("Condition" in each for each in statements), name
        of_buckets = [each for each in statements if "s3:ListBucket" in _several(each["Action"])]
        located = {"s3:GetBucketLocation"} if "Forecast" in name else set()
        expected = {"s3:ListBucket"} | located
        assert of_buckets and all(set(_several(each["Action"])) == expected for each in of_buckets), name
        objects = {action for each in statements if each not in of_buckets for action in _several(each["Action"])}
        assert "s3:GetObject" in objects and objects <= {"s3:GetObject", "s3:PutObject"}, name
    [exports] = [
        flat(each["Resource"])
        for each in roles[next(name for name in roles if name.startswith("storage/Forecast"))]
        if "s3:GetObject" in _several(each["Action"]) and "/exports/" in flat(each["Resource"])
    ]
    assert "/staged/" in exports


def test_roles_are_passed_only_to_their_service(assembly: Assembly) -> None:
    passing = [(name, s) for name, s in _statements(assembly) if "iam:PassRole" in _several(s["Action"])]
    assert {name.split("/")[1].split("Role")[0] for name, _ in passing} == {"Load", "Export", "Learner01"}
    for _, statement in passing:
        service = statement["Condition"]["StringEquals"]["iam:PassedToService"].split(".")[0]
        assert f"{service.capitalize()}Role" in flat(statement["Resource"])


def test_services_take_on_roles_for_this_account_only(assembly: Assembly) -> None:
    trusted = set()
    for name, role in assembly.resources("AWS::IAM::Role").items():
        [trust] = role["AssumeRolePolicyDocument"]["Statement"]
        service = trust["Principal"]["Service"].removesuffix(".amazonaws.com")
        trusted.add(service)
        if service in _SAYS_NOT_FOR_WHOM:
            assert "Condition" not in trust, name
            continue
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, name
        source = flat(trust["Condition"]["ArnLike"]["aws:SourceArn"])
        assert source == f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:*", name
    assert trusted == {"forecast", "personalize", "states", "events", "scheduler"} | _SAYS_NOT_FOR_WHOM


def test_personalize_may_read_its_prefix_of_the_data_bucket_for_this_account_only(assembly: Assembly) -> None:
    policies = [p for p in assembly.resources("AWS::S3::BucketPolicy").values() if "Data" in flat(p["Bucket"])]
    statements = [
        s
        for s in policies[0]["PolicyDocument"]["Statement"]
        if s["Principal"] == {"Service": "personalize.amazonaws.com"}
    ]
    assert {s["Action"] for s in statements} == {"s3:GetObject", "s3:ListBucket"}
    assert all(s["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}} for s in statements)
    resources = {flat(each).rpartition(">")[2] for s in statements for each in _several(s["Resource"])}
    assert resources == {"", "/recommending/sample/*", "/workshop/*"}


def test_personalize_may_write_only_what_batch_jobs_bring(assembly: Assembly) -> None:
    [policy] = [p for p in assembly.resources("AWS::S3::BucketPolicy").values() if "Results" in flat(p["Bucket"])]
    admitted = {
        (action, flat(s["Resource"]).partition("/")[2])
        for s in policy["PolicyDocument"]["Statement"]
        if s["Principal"] == {"Service": "personalize.amazonaws.com"}
        for action in _several(s["Action"])
    }
    batch = "recommending/sample/batch/*"
    copies = ("s3:GetObject", "recommending/sample/staged/*")
    assert admitted == {("s3:GetObject", batch), ("s3:PutObject", batch), copies, ("s3:ListBucket", "")}


def test_every_function_has_a_role_of_its_own_traces_and_logs_to_its_pipeline(assembly: Assembly) -> None:
    functions = assembly.resources("AWS::Lambda::Function")
    assert len({(name.split("/")[0], flat(f["Role"])) for name, f in functions.items()}) == len(functions)
    for name, function in functions.items():
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": "Logs"}, name
        room, step, _ = function["Handler"].split(".")
        assert (ROOT / "lambdas" / room / f"{step}.py").exists(), name


def test_names_that_are_one_to_an_account_have_the_region(assembly: Assembly) -> None:
    """An app in a second region of the account would take the dashboard and the budget of the first one."""
    names = [
        *(each["DashboardName"] for each in assembly.resources("AWS::CloudWatch::Dashboard").values()),
        *(each["Budget"]["BudgetName"] for each in assembly.resources("AWS::Budgets::Budget").values()),
    ]
    assert names and all(flat(name).endswith("-<AWS::Region>") for name in names), names
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::S3::Bucket"):
        for properties in assembly.resources(kind).values():
            assert not {"RoleName", "ManagedPolicyName", "BucketName"} & set(properties)


def test_buckets_are_encrypted_versioned_private_and_take_tls_only(assembly: Assembly) -> None:
    buckets = assembly.resources("AWS::S3::Bucket")
    assert len(buckets) == 3
    for name, bucket in buckets.items():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, name
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert bucket["BucketEncryption"] and bucket["LifecycleConfiguration"], name
        [policy] = [
            p
            for p in assembly.resources("AWS::S3::BucketPolicy").values()
            if p["Bucket"] == {"Ref": name.split("/")[1]}
        ]
        assert any(
            s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for s in policy["PolicyDocument"]["Statement"]
        ), name
    assert [b["NotificationConfiguration"] for name, b in buckets.items() if "Data" in name] == [
        {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    ]


def test_only_uploads_of_this_dataset_start_a_pipeline(assembly: Assembly) -> None:
    rules = {
        name.split("/")[0]: rule["EventPattern"]
        for name, rule in assembly.resources("AWS::Events::Rule").items()
        if name.endswith("/NewData")
    }
    assert {stack: pattern["detail"]["object"]["key"] for stack, pattern in rules.items()} == {
        "forecasting": [{"prefix": "forecasting/sample/"}],
        "recommending": [{"prefix": "recommending/sample/"}],
    }
    assert all(pattern["detail-type"] == ["Object Created"] for pattern in rules.values())


def test_every_stack_with_leftovers_of_its_own_cleans_up(assembly: Assembly) -> None:
    cleanups = {
        name.split("/")[0]: properties for name, properties in assembly.resources("Custom::StorecastCleanup").items()
    }
    assert set(cleanups) == {"storage", "forecasting", "recommending", "workshop"}
    names = [policy["PolicyName"] for policy in assembly.resources("AWS::IAM::Policy").values()]
    assert len(set(names)) == len(names) == 4, "inline policies of one role overwrite each other if they share a name"
    for stack, template in assembly.templates.items():
        for name, resource in template["Resources"].items():
            assert resource.get("DeletionPolicy", "Delete") == "Delete", f"{stack}/{name} would stay"


def test_each_accepted_finding_of_cdk_nag_has_a_reason(assembly: Assembly) -> None:
    [report] = json.loads((assembly.folder / "validation-report.json").read_text())["pluginReports"]
    assert report["violations"] == []
    assert all(finding["reason"] for finding in report["suppressedViolations"])


def test_athena_tables_have_the_columns_of_their_exports(assembly: Assembly) -> None:
    tables = {t["TableInput"]["Name"]: t["TableInput"] for t in assembly.resources("AWS::Glue::Table").values()}
    columns = [c["Name"] for c in tables["planning"]["StorageDescriptor"]["Columns"]]
    assert columns == ["item_id", "date", "mean", "p10", "p50", "p90"]
    assert tables["planning"]["PartitionKeys"] == [{"Name": "run", "Type": "string"}]


def test_the_notebook_is_closed_up(assembly: Assembly) -> None:
    [notebook] = assembly.resources("AWS::SageMaker::NotebookInstance").values()
    assert notebook["RootAccess"] == "Disabled"
    assert notebook["InstanceMetadataServiceConfiguration"] == {"MinimumInstanceMetadataServiceVersion": "2"}
