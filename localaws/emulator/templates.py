"""What ministack's CloudFormation leaves out: keys of topics and buckets, buckets' access logs, roles' boundaries,
Fn::Join in conditions, and the module cfnresponse of inline Lambda code."""

import functools
import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id
from ministack.services import iam, s3, sns
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from localaws.emulator import access_logs

# "Use this exact import statement" (docs/aws-sources.md#cloudformation-cfn-lambda-function-code-cfnresponsemodule)
_IMPORT = re.compile(r"^\s*import cfnresponse\s*(#.*)?$", re.MULTILINE)
_MODULE = Path(__file__).with_name("cfnresponse.py")


def register() -> None:
    evaluate = _joining(engine._evaluate_conditions)
    engine._evaluate_conditions = stacks._evaluate_conditions = evaluate
    handlers._evaluate_conditions = changesets._evaluate_conditions = evaluate
    provisioners._zip_inline = _with_cfnresponse(provisioners._zip_inline)
    left_out = {"AWS::S3::Bucket": _complete_bucket, "AWS::SNS::Topic": _keep, "AWS::IAM::Role": _bound}
    for resource_type, complete in left_out.items():
        known = provisioners._RESOURCE_HANDLERS[resource_type]
        create, update = _completed(known["create"], 1, complete), _completed(known["update"], 2, complete)
        provisioners._RESOURCE_HANDLERS[resource_type] = known | {"create": create, "update": update}


def _completed(handle: Callable, position: int, complete: Callable[[str, dict], None]) -> Callable:
    """`handle`, whose argument at `position` are the properties wanted, followed by `complete(name, properties)`."""

    @functools.wraps(handle)
    def handled(*arguments: Any, **more: Any) -> tuple:
        result = handle(*arguments, **more)
        complete(result[0], arguments[position])
        return result

    return handled


def _joining(evaluate: Callable[[dict, dict], dict]) -> Callable[[dict, dict], dict]:
    """CDK's bootstrap template asks whether a list of policies is empty by joining it."""

    @functools.wraps(evaluate)
    def evaluated(template: dict, parameters: dict) -> dict:
        return evaluate({**template, "Conditions": _joined(template.get("Conditions", {}), parameters)}, parameters)

    return evaluated


def _joined(value: Any, parameters: dict) -> Any:
    """`value` with each Fn::Join of parameters and texts replaced by its result."""
    if isinstance(value, list):
        return [_joined(each, parameters) for each in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" not in value:
        return {name: _joined(each, parameters) for name, each in value.items()}
    delimiter, members = value["Fn::Join"]
    if isinstance(members, dict):
        members = str(_referred(members, parameters)).split(",")
    return delimiter.join(str(_referred(each, parameters)) for each in members)


def _referred(value: Any, parameters: dict) -> Any:
    return parameters[value["Ref"]]["Value"] if isinstance(value, dict) and value.get("Ref") in parameters else value


def _with_cfnresponse(zip_inline: Callable[..., bytes | None]) -> Callable[..., bytes | None]:
    @functools.wraps(zip_inline)
    def zipped(source: str | None, handler: str, runtime: str = "python3.12") -> bytes | None:
        code = zip_inline(source, handler, runtime)
        if not source or not code or not runtime.startswith("python") or not _IMPORT.search(source):
            return code
        body = io.BytesIO(code)
        with zipfile.ZipFile(body, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.write(_MODULE, _MODULE.name)
        return body.getvalue()

    return zipped


def _complete_bucket(bucket: str, properties: dict) -> None:
    access_logs.configured(bucket, properties)
    _encrypt(bucket, properties)


def _encrypt(bucket: str, properties: dict) -> None:
    for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ()):
        default = rule["ServerSideEncryptionByDefault"]
        if "KMSMasterKeyID" not in default:  # S3's own key, or AWS's: ministack puts no object under that
            continue
        members = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in default.items())
        rules = f"<Rule><ApplyServerSideEncryptionByDefault>{members}</ApplyServerSideEncryptionByDefault></Rule>"
        document = f"<ServerSideEncryptionConfiguration>{rules}</ServerSideEncryptionConfiguration>"
        s3._put_bucket_encryption(bucket, document.encode())


def _keep(topic: str, properties: dict) -> None:
    sns._topics[topic]["attributes"]["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")


def _bound(role: str, properties: dict) -> None:
    iam._roles.get_scoped(get_account_id(), None, role)["PermissionsBoundary"] = properties.get("PermissionsBoundary")
