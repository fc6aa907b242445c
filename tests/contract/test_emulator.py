"""The private names of ministack that localaws/emulator/ stands on: what moved, when the pinned version changes."""

import ast
import importlib
import inspect
from importlib.metadata import version
from pathlib import Path

import pytest

EMULATOR = Path(__file__).parents[2] / "localaws" / "emulator"
INSTALLED = version("ministack")
WRITTEN_FOR = "1.5.33"

# Callables by module: the names of their parameters, or of those parameters that the emulator passes by name.
SIGNATURES = {
    "ministack.app": {
        "_build_persistence_save_dict": [],
        "_is_ecr_registry_path": ["path"],
        "_asgi_header_list": ["headers"],
        "_decode_aws_chunked_body": ["body", "headers"],
        "_get_module": ["name"],
        "_load_persisted_state": [],
        "_read_request_body": ["receive", "method", "headers"],
        "_send_response": ["send", "status", "headers", "body", "head"],
        "app": ["scope", "receive", "send"],
        "save_all": ["services"],
    },
    "ministack.core.iam_actions": {
        "extract_resource_arn": [
            "service", "method", "path", "headers", "body", "query_params", "region", "account_id",
        ],
        "access_denied_response": [
            "service", "action", "principal_arn", "request_id", "error_code", "message", "headers", "resource_arn",
            "explicit_deny", "resource_policy_arn",
        ],
        "extract_iam_action": ["service", "method", "path", "headers", "body", "query_params"],
        "identity_denial_message": ["action", "principal_arn", "resource", "explicit_deny"],
    },
    "ministack.core.iam_evaluator": {
        "is_root_access_key": ["access_key_id"],
        "AuthError": ["code", "message", "details"],
        "CredentialResolutionError": ["code", "message"],
        "EvalContext": [
            "principal_arn", "principal_type", "principal_account", "action", "resource_arn", "region", "source_ip",
            "secure_transport", "request_tags", "tag_keys", "service_context", "principal_keys",
        ],
        "EvalResult": ["decision", "principal_arn", "matched_sid", "reason", "resource_policy_arn"],
        "SignedRequest": [
            "access_key_id", "method", "raw_path", "query_params", "headers", "body", "presigned", "handshake",
            "unverifiable", "sigv2", "auth_path", "s3_scoped",
        ],
        "combine_resource_policy": ["identity", "ctx", "policy", "owner_account", "required", "limits"],
        "_gather_role_policies": ["role_name", "account_id"],
        "_sigv2_check": ["request", "account_id"],
        "_unknown_access_key": [],
        "_permissions_boundary": ["store", "name", "account_id"],
        "_resolve_condition_key": ["key", "ctx"],
        "_resource_policy": ["service", "resource_arn"],
        "enforce": ["access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"],
        "evaluate": ["ctx", "policies", "limits"],
        "evaluate_resource_policy": ["doc", "ctx", "service", "named_only", "direct_only"],
        "find_iam_access_key_account": ["access_key_id"],
        "resolve_credential": ["access_key_id", "account_id", "session_token"],
    },
    "ministack.core.arn": {"parse_arn": ["value"]},
    "ministack.core.persistence": {
        "_json_default": ["obj"],
        "_json_object_hook": ["obj"],
        "_state_format_version": ["service"],
    },
    "ministack.core.responses": {
        "AccountRegionScopedDict": [],
        "_account_from_sts_session": ["access_key_id"],
        "error_response_json": ["code", "message", "status", "extra", "message_key", "content_type"],
        "get_account_id": [],
        "get_region": [],
        "set_request_account_id": ["access_key_id"],
        "set_request_region": ["region"],
    },
    "ministack.core.router": {
        "detect_service": ["method", "path", "headers", "query_params"],
        "extract_access_key_id": ["headers", "query_params"],
    },
    "ministack.core.sigv4": {
        "HeaderSignature": [
            "access_key_id", "date_stamp", "region", "service", "signed_headers", "signature", "amz_date", "region_set",
        ],
        "decode_header_value": ["value"],
        "header_signature_failure": [
            "signature", "secret", "method", "raw_path", "query_params", "headers", "body", "presigned", "explain",
        ],
        "parse_header_signature": ["headers"],
        "parse_query_signature": ["query_params"],
        "request_time_failure": ["signature", "now"],
    },
    "ministack.services.athena": {
        "_CreateTable": [
            "database", "table", "external", "columns", "partition_keys", "comment", "location", "input_format",
            "output_format", "serde", "serde_parameters", "table_properties", "bucket_columns", "number_of_buckets",
            "if_not_exists",
        ],
        "_data_format": ["table_data"],
        "_duckdb_type": ["column"],
        "_empty_relation": ["table_data"],
        "_ensure_default_workgroup": [],
        "_execute_query": ["query_id", "query", "database", "ddl", "catalog"],
        "_get_query_results": ["data"],
        "_parse_ddl": ["query"],
        "_run_ddl": ["ddl", "database"],
        "_start_query_execution": ["data"],
        "_table_relation": ["table_data", "files"],
    },
    "ministack.services.budgets": {"_create_budget": ["data"], "_delete_budget": ["data"]},
    "ministack.services.cloudformation.provisioners": {
        "_physical_name": ["stack_name", "logical_id", "lowercase", "max_len", "seeded"],
        "_zip_inline": ["source", "handler", "runtime"],
    },
    "ministack.services.cloudformation.changesets": {"_evaluate_conditions": ["template", "params"]},
    "ministack.services.cloudformation.engine": {"_evaluate_conditions": ["template", "params"]},
    "ministack.services.cloudformation.handlers": {
        "_evaluate_conditions": ["template", "params"],
        "_imported_export_names": ["stack", "stack_name"],
    },
    "ministack.services.iam": {
        "_error": ["status", "code", "message", "ns"],
        "_is_aws_managed_arn": ["arn"],
        "_make_aws_managed_record": ["name", "document", "description"],
        "_p": ["params", "key", "default"],
        "attach_managed_policy": ["entity", "policy_arn"],
        "policy_known": ["arn", "account_id"],
    },
    "ministack.services.cloudformation.stacks": {
        "_add_event": [
            "stack_id", "stack_name", "logical_id", "resource_type", "status", "reason", "physical_id",
            "detailed_status",
        ],
        "_delete_resource": ["resource_type", "physical_id", "props", "stack_name", "logical_id"],
        "_evaluate_conditions": ["template", "params"],
        "_resolve_stack_outputs": [
            "outputs_defs", "conditions", "resources", "param_values", "mappings", "stack_name", "stack_id",
        ],
        "_runs_on_worker_thread": ["resource_type"],
    },
    "ministack.services.cloudwatch": {"record_metric": ["namespace", "metric_name", "value", "unit", "dimensions"]},
    "ministack.services.eventbridge": {
        "_dispatch_to_sqs": ["spec", "payload", "sqs_parameters"],
        "_pattern_event_view": ["event"],
        "_invoke_target": ["target", "event", "rule", "view"],
        "_put_events": ["data", "allow_aws_source"],
    },
    "ministack.core.lambda_runtime": {"kill_workers": ["workers"]},
    "ministack.services.glue": {
        "_batch_stop_job_run": ["data"],
        "_create_job": ["data"],
        "_create_security_configuration": ["data"],
        "_delete_job": ["data"],
        "_delete_security_configuration": ["data"],
        "_get_job_run": ["data"],
        "_get_job_runs": ["data"],
        "_start_job_run": ["data"],
        "_update_job": ["data"],
    },
    "ministack.services.lambda_svc": {
        "_emit_lambda_logs": ["func", "request_id", "log_text", "error", "duration_ms", "log_source"],
        "_execute_function_warm": ["func", "event", "request_id"],
        "_prune_orphan_code_blobs": ["referenced"],
        "_read_code_blob": ["sha"],
        "_update_code": ["name", "data"],
        "_update_config": ["name", "data"],
        "invalidate_worker": ["func_name", "qualifier", "account", "region"],
    },
    "ministack.services.s3": {
        "_fire_s3_event": [
            "bucket_name", "key", "event_name", "size", "etag", "deletion_type", "restore_event_data", "version_id",
            "sequencer", "object_extra", "record_extra",
        ],
        "_atomic_write": ["fpath", "data", "text"],
        "_compute_s3_checksum": ["algorithm", "body"],
        "_error": ["code", "message", "status", "resource", "extra", "headers"],
        "_fire_s3_event_async": [
            "bucket_name", "key", "event_name", "size", "etag", "deletion_type", "version_id", "object_extra",
            "record_extra",
        ],
        "_get_object": ["bucket_name", "key", "headers", "query_params"],
        "_key_history_meta": ["bucket_name", "key"],
        "_object_disk_path": ["bucket", "key", "account_id"],
        "_object_meta_from_record": ["obj"],
        "_other_key_disk_path": ["base", "key", "fpath"],
        "_persist_object": ["bucket", "key", "obj"],
        "_read_body": ["bucket_name", "key", "obj"],
        "_remove_key_files": ["fpath"],
        "_validate_content_md5": ["headers", "body"],
        "md5_hash": ["data"],
        "_bucket_default_sse_headers": ["bucket_name"],
        "_delete_bucket": ["name"],
        "_ensure_bucket": ["name"],
        "_put_bucket_logging": ["name", "body"],
        "_get_object_data": ["bucket_name", "key", "version_id"],
        "_put_bucket_encryption": ["name", "body"],
        "_put_object": ["bucket_name", "key", "body", "headers"],
    },
    "ministack.services.sqs": {"_Err": ["code", "message", "status"], "_queue_by_arn": ["arn"]},
    "ministack.services.stepfunctions": {
        "_ExecutionError": ["error", "cause"],
        "_add_event": ["execution", "event_type", "details"],
        "_apply_input_path": ["state_def", "data", "ctx"],
        "_apply_output_path": ["state_def", "data", "ctx"],
        "_emit_execution_status_event": ["execution"],
        "_start_execution": ["data"],
        "get_state": [],
        "_error_matches": ["error_equals", "error"],
        "_execute_task": ["state_def", "raw_input", "execution", "ctx"],
        "_extract_lambda_ref": ["resource"],
        "_fail_execution": ["execution", "error", "cause"],
        "_fail_state_error": ["state_def", "raw_input", "ctx"],
        "_invoke_resource": ["resource", "input_data"],
        "_run_sub_machine": ["states", "start_at", "input_data", "execution", "ctx"],
        "now_iso": [],
    },
    "ministack.services.sts": {"register_session": ["access_key", "session"]},
}  # fmt: skip

# Tables by module: an entry that must be there, and what kind of thing it is (None: the table may be empty).
TABLES = {
    ("ministack.app", "SERVICE_HANDLERS"): ("s3", None),
    ("ministack.app", "SERVICE_REGISTRY"): ("lambda", dict),
    ("ministack.app", "_state_map"): ("lambda", str),
    ("ministack.core.iam_actions", "SERVICE_TO_IAM_NAMESPACE"): ("lambda", str),
    ("ministack.core.router", "SERVICE_PATTERNS"): ("s3", dict),
    ("ministack.services.athena", "_DUCKDB_TYPE_MAP"): ("BIGINT", str),
    ("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS"): ("AWS::S3::Bucket", dict),
    ("ministack.services.cloudformation.provisioners", "_GLUE_JOB_DEFAULTS"): ("Timeout", None),
    ("ministack.services.iam", "_IAM_HANDLERS"): ("AttachRolePolicy", None),
    ("ministack.services.iam", "_aws_managed_policies"): ("arn:aws:iam::aws:policy/AdministratorAccess", dict),
    ("ministack.services.stepfunctions", "_AWS_SDK_ERROR_CODE_OVERRIDES"): ("rds", dict),
    ("ministack.services.stepfunctions", "_AWS_SDK_ERROR_PREFIX"): ("dynamodb", str),
    ("ministack.services.stepfunctions", "_AWS_SDK_SERVICE_MAP"): ("dynamodb", dict),
    ("ministack.services.stepfunctions", "_SERVICE_DISPATCH"): ("arn:aws:states:::sqs:sendMessage", None),
}
OTHERS = {
    ("ministack.services.cloudformation", "_exports"),
    ("ministack.app", "AUTH"),
    ("ministack.app", "_IncompleteRequestBody"),
    ("ministack.app", "_RequestBodyDisconnected"),
    ("ministack.core.iam_evaluator", "AmbiguousAccessKeyError"),
    ("ministack.core.iam_evaluator", "_POLICY_REQUIRED"),
    ("ministack.core.lambda_runtime", "_lock"),
    ("ministack.core.lambda_runtime", "_workers"),
    ("ministack.core.lambda_runtime", "subprocess"),
    ("ministack.core.lambda_runtime", "tempfile"),
    ("ministack.core.persistence", "PERSIST_STATE"),
    ("ministack.core.persistence", "STATE_DIR"),
    ("ministack.core.sigv4", "SIGNATURE_MISMATCH"),
    ("ministack.services.athena", "_executions"),
    ("ministack.services.athena", "_workgroups"),
    ("ministack.services.cloudformation", "_stacks"),
    ("ministack.services.cloudformation.custom_resource", "_pending"),
    ("ministack.services.cloudwatch_logs", "_log_groups"),
    ("ministack.services.glue", "_databases"),
    ("ministack.services.lambda_svc", "CODE_BLOB_DIR"),
    ("ministack.services.glue", "_jobs"),
    ("ministack.services.glue", "_partitions"),
    ("ministack.services.glue", "_tables"),
    ("ministack.services.iam", "_roles"),
    ("ministack.services.eventbridge", "_targets"),
    ("ministack.services.s3", "DATA_DIR"),
    ("ministack.services.s3", "S3_PERSIST"),
    ("ministack.services.s3", "_bucket_logging_config"),
    ("ministack.services.s3", "_bucket_notifications"),
    ("ministack.services.s3", "_buckets"),
    ("ministack.services.s3", "_multipart_uploads"),
    ("ministack.services.s3", "_object_acl"),
    ("ministack.services.s3", "_object_annotations"),
    ("ministack.services.s3", "_object_legal_hold"),
    ("ministack.services.s3", "_object_retention"),
    ("ministack.services.s3", "_object_tags"),
    ("ministack.services.s3", "_object_versions"),
    ("ministack.services.sqs", "_HANDLERS"),
    ("ministack.services.scheduler", "_schedules"),
    ("ministack.services.stepfunctions", "_executions"),
    ("ministack.services.sns", "_topics"),
    ("ministack.services.stepfunctions", "_state_machines"),
}


def _look_up(module: str, name: str):
    found = getattr(importlib.import_module(module), name, None)
    assert found is not None, (
        f"{module}.{name} is gone in ministack {INSTALLED}; localaws/emulator/ was written for {WRITTEN_FOR} and "
        "uses it. Find its successor there, then change this test."
    )
    return found


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in SIGNATURES.items() for name in names])
def test_what_the_gateway_calls_takes_what_it_passes(module: str, name: str) -> None:
    expected, found = SIGNATURES[module][name], list(inspect.signature(_look_up(module, name)).parameters)
    assert found == expected, (
        f"{module}.{name} takes ({', '.join(found)}) in ministack {INSTALLED}; localaws/emulator/ was written for "
        f"{WRITTEN_FOR}, where it took ({', '.join(expected)})."
    )


@pytest.mark.parametrize(("module", "name"), TABLES)
def test_the_tables_that_the_gateway_adds_to_look_as_they_did(module: str, name: str) -> None:
    table, (key, kind) = _look_up(module, name), TABLES[module, name]
    assert key in table, f"{module}.{name} has no {key!r} in ministack {INSTALLED}; it had in {WRITTEN_FOR}."
    assert kind is None or isinstance(table[key], kind), (
        f"{module}.{name}[{key!r}] is {type(table[key]).__name__} in ministack {INSTALLED}, no {kind.__name__} as in "
        f"{WRITTEN_FOR}."
    )


def test_what_lies_in_the_tables() -> None:
    resource = _look_up("ministack.services.cloudformation.provisioners", "_RESOURCE_HANDLERS")["AWS::S3::Bucket"]
    assert {"create", "delete"} <= set(resource), f"resource handlers moved in ministack {INSTALLED}: {resource}"
    sdk = _look_up("ministack.services.stepfunctions", "_AWS_SDK_SERVICE_MAP")["dynamodb"]
    assert {"target_prefix", "protocol"} <= set(sdk), f"the aws-sdk table moved in ministack {INSTALLED}: {sdk}"
    roles = _look_up("ministack.services.iam", "_roles")
    parameters = list(inspect.signature(roles.get_scoped).parameters)
    assert parameters == ["account_id", "region", "key", "default"], (
        f"iam._roles in ministack {INSTALLED}: {parameters}"
    )


def test_every_name_that_the_gateway_uses_is_looked_at_here() -> None:
    """Reads the emulator's files: each attribute of a ministack module, and each name imported from one."""
    used = set().union(*(_names_of_ministack(path) for path in EMULATOR.glob("*.py")))
    looked_at = {(module, name) for module, names in SIGNATURES.items() for name in names} | set(TABLES) | OTHERS
    assert used - looked_at == set(), "the emulator uses names of ministack that this file does not check"
    assert looked_at - used == set(), "this file checks names that the emulator does not use any more"


def test_nothing_but_the_emulator_room_touches_ministack() -> None:
    others = [path for path in EMULATOR.parent.rglob("*.py") if EMULATOR not in path.parents]
    assert [path.name for path in others if _names_of_ministack(path)] == []


def _names_of_ministack(path: Path) -> set[tuple[str, str]]:
    tree = ast.parse(path.read_text())
    modules, used = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {each.asname: each.name for each in node.names if each.name.startswith("ministack")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack"):
            for each in node.names:
                try:
                    importlib.import_module(f"{node.module}.{each.name}")
                    modules[each.asname or each.name] = f"{node.module}.{each.name}"
                except ModuleNotFoundError:
                    used.add((node.module, each.name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            used.add((modules[node.value.id], node.attr))
    return used


@pytest.mark.parametrize(("module", "name"), sorted(OTHERS))
def test_the_rest_is_there(module: str, name: str) -> None:
    _look_up(module, name)
