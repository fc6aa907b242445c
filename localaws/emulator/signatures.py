"""No request goes further before its signature is verified: the root key's too, whatever it is for.

Open are only the health check, and the address under which the Lambda function of a custom resource answers
CloudFormation (a presigned URL on AWS, an unguessable token here). ministack leaves much more open, and verifies no
signature of the root key. The rules are those of docs/aws-sources.md#iam-reference_sigv; S3's those of
docs/aws-sources.md#s3-sigv4-auth-using-authorization-header and docs/aws-sources.md#s3-sigv4-query-string-auth.
"""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import ministack.app as ministack
from ministack.core import iam_actions, iam_evaluator, router, sigv4
from ministack.core.responses import _account_from_sts_session, get_account_id
from ministack.services.cloudformation import custom_resource

from localaws.emulator.refusing import refuse
from localaws.emulator.scope import Incoming, read_body, replay
from localaws.settings import AWS_HOSTS, HOSTS, Settings, is_one_of

_HEALTH = "/_ministack/health"
_RESPONSE = re.compile(r"/_ministack/cfn-response/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_RESPONSE_BYTES = 64 * 1024  # CloudFormation takes 4 KB
_EMULATORS_OWN = re.compile(r"/(_|latest/|health$)")  # ministack's administration, and its instance metadata
_MOMENT = re.compile(r"\d{8}T\d{6}Z")
_A_WEEK = 7 * 24 * 3600
_SKEW = timedelta(minutes=15)
_HASH = re.compile(r"[0-9a-f]{64}")
_UNSIGNED_BODIES = ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")


class _Refused(Exception):
    """A request that is not let in: AWS's code and a message."""

    def __init__(self, code: str, message: str, status: int | None = None):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class _Request:
    """A request as it was signed; `service` is the one that it is for."""

    method: str
    path: str
    raw_path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    service: str

    def parameter(self, name: str) -> str:
        return (self.query.get(name) or self.query.get(name.lower()) or [""])[0]


def signed(app: Callable, settings: Settings, own: frozenset[str]) -> Callable:
    """The ASGI application `app` for requests with a valid signature only. `own` are the services that ask IAM
    themselves."""

    async def guarded(scope: dict, receive: Callable, send: Callable) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket: no service here has any
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        request, incoming = _request(scope), Incoming(receive)
        try:
            _require_own_origin(request.headers, settings.port)
            await app(scope, await _admitted(request, own, incoming), send)
        except _Refused as refused:
            service = _service(request, await incoming.discard(request.headers))
            code, message, status = refused.code, refused.message, refused.status
            await refuse(send, service, "", request.headers, code=code, message=message, status=status)

    return guarded


def _request(scope: dict) -> _Request:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    service = router.detect_service(scope["method"], scope["path"], headers, query)
    return _Request(scope["method"], scope["path"], scope["raw_path"].decode("latin-1"), query, headers, service)


def _service(request: _Request, body: bytes) -> str:
    """The service that a refused request is for; a form without a signature names it in its body alone."""
    if "x-www-form-urlencoded" not in request.headers.get("content-type", ""):
        return request.service
    named = request.query | parse_qs(body.decode("utf-8", "replace"))
    return router.detect_service(request.method, request.path, request.headers, named)


def _require_own_origin(headers: dict[str, str], port: int) -> None:
    """A page of another site, or under a name that only its own server gives this address, gets nothing."""
    host = headers.get("host", "").lower()
    name = host.partition(":")[0]
    if not is_one_of(name, (*HOSTS, *AWS_HOSTS)):
        raise _Refused("AccessDenied", f"The host {host!r} is none of {', '.join(HOSTS)}.", 403)
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in [f"https://{each}:{port}" for each in HOSTS]:
        raise _Refused("AccessDenied", f"The origin {origin!r} may send no requests here.", 403)


async def _admitted(request: _Request, own: frozenset[str], receive: Callable) -> Callable:
    """The rest of a request that may go on. Raises _Refused."""
    if request.method in ("GET", "HEAD") and request.path == _HEALTH:
        return receive
    if request.method == "PUT" and (found := _RESPONSE.fullmatch(request.path)):
        if found[1] not in custom_resource._pending:
            raise _Refused("AccessDenied", "No custom resource waits for an answer here.", 403)
        return replay(await _short(receive), receive)
    if "Signature" in request.query and "AWSAccessKeyId" in request.query and "authorization" not in request.headers:
        key = _verify_version_2(request)
        body = None
    else:
        key, body = await _verify(request, receive)
    if key == os.environ["AWS_ACCESS_KEY_ID"]:
        return _hashed(request, receive) if body is None else replay(body, receive)
    if not _asked_about(request, own, body or b""):
        raise _Refused("AccessDenied", f"{request.method} {request.path} is for the root user.", 403)
    return _hashed(request, receive) if body is None else replay(body, receive)


def _asked_about(request: _Request, own: frozenset[str], body: bytes) -> bool:
    """Whether IAM is asked about the request; ministack serves any caller what it knows no action for."""
    if _EMULATORS_OWN.match(request.path) or ministack._is_ecr_registry_path(request.path):
        return False
    if request.service in own:
        return True
    action = iam_actions.extract_iam_action(
        request.service, request.method, request.path, request.headers, body, request.query
    )
    return action is not None


async def _short(receive: Callable) -> bytes:
    body, more = b"", True
    while more and len(body) <= _RESPONSE_BYTES:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    if len(body) > _RESPONSE_BYTES:
        raise _Refused("EntityTooLarge", "The response of a custom resource is too long.", 400)
    return body


# --- signature version 4 ----------------------------------------------------------------------------------------------


async def _verify(request: _Request, receive: Callable) -> tuple[str, bytes | None]:
    """The access key that signed the request, and its body where that is signed and had to be read. Raises _Refused."""
    presigned = "authorization" not in request.headers
    signature = _signature(request, presigned)
    _require_time(request, signature, presigned)
    token = request.parameter("X-Amz-Security-Token") if presigned else request.headers.get("x-amz-security-token", "")
    secret = _secret(request, signature.access_key_id, token)
    _require_signed_headers(request, signature)
    body = None if _is_read_later(request, signature, presigned) else await read_body(receive)
    failure = sigv4.header_signature_failure(
        signature, secret, request.method, request.raw_path, request.query, request.headers, body or b"",
        presigned=presigned,
    )  # fmt: skip
    if failure:
        raise _Refused(*failure)
    declared = request.headers.get("x-amz-content-sha256")
    if body is not None and signature.service != "s3" and declared and hashlib.sha256(body).hexdigest() != declared:
        raise _Refused("SignatureDoesNotMatch", sigv4.SIGNATURE_MISMATCH)
    return signature.access_key_id, body


def _signature(request: _Request, presigned: bool) -> sigv4.HeaderSignature:
    if presigned:
        if not request.parameter("X-Amz-Algorithm") and not request.parameter("X-Amz-Signature"):
            raise _Refused("MissingAuthenticationToken", "Request is missing Authentication Token")
        algorithm, found = request.parameter("X-Amz-Algorithm"), sigv4.parse_query_signature(request.query)
    else:
        algorithm = request.headers["authorization"].partition(" ")[0]
        found = sigv4.parse_header_signature(request.headers)
    if algorithm != "AWS4-HMAC-SHA256":
        raise _Refused("IncompleteSignature", f"Unsupported AWS 'algorithm': '{algorithm}'. Use AWS4-HMAC-SHA256.")
    if isinstance(found, tuple):
        raise _Refused(*found)
    # The key that ministack takes the request for must be the one that signed it.
    if not found.access_key_id or router.extract_access_key_id(request.headers, request.query) != found.access_key_id:
        raise _Refused("IncompleteSignature", "The request names more than one credential.")
    if (found.service == "s3") != (request.service == "s3") and not _EMULATORS_OWN.match(request.path):
        raise _Refused("SignatureDoesNotMatch", "Credential should be scoped to correct service.")
    if not _MOMENT.fullmatch(found.amz_date):
        raise _Refused("IncompleteSignature", f"Date must be in ISO-8601 'basic format'. Got '{found.amz_date}'.")
    return found


def _require_time(request: _Request, signature: sigv4.HeaderSignature, presigned: bool) -> None:
    expires = request.parameter("X-Amz-Expires") if presigned else ""
    if presigned and signature.service == "s3":
        if not expires.isdecimal() or int(expires) > _A_WEEK:
            message = f"X-Amz-Expires must be a number of seconds, less than a week; it is {expires!r}"
            raise _Refused("AuthorizationQueryParametersError", message, 400)
        if datetime.now(UTC) + _SKEW < _moment(signature):
            raise _Refused("AccessDenied", "Request is not valid yet", 403)
    elif failure := sigv4.request_time_failure(signature):
        raise _Refused(*failure)
    if expires and (
        not expires.isdecimal() or _moment(signature) + timedelta(seconds=int(expires)) < datetime.now(UTC)
    ):
        raise _Refused("RequestExpired", "Request has expired")


def _moment(signature: sigv4.HeaderSignature) -> datetime:
    try:
        return datetime.strptime(signature.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _Refused("IncompleteSignature", f"'{signature.amz_date}' is no date.") from None


def _secret(request: _Request, key: str, token: str) -> str:
    """The secret of an access key that may be used now, with the session token that belongs to it."""
    if iam_evaluator.is_root_access_key(key) and key != os.environ["AWS_ACCESS_KEY_ID"]:
        found = iam_evaluator._unknown_access_key()  # ministack's well-known keys ("test", account numbers)
    else:
        found = iam_evaluator.resolve_credential(key, _account(key), token)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise _Refused(found.code, found.message)
    return found.secret_access_key


def _account(key: str) -> str:
    try:
        found = _account_from_sts_session(key) or iam_evaluator.find_iam_access_key_account(key)
    except iam_evaluator.AmbiguousAccessKeyError:
        found = None
    return found or get_account_id()


def _require_signed_headers(request: _Request, signature: sigv4.HeaderSignature) -> None:
    names = signature.signed_headers.split(";")
    unsigned = [name for name in request.headers if name.startswith("x-amz-") and name not in names]
    if "host" not in names or unsigned:
        missing = ", ".join(unsigned or ["host"])
        raise _Refused("SignatureDoesNotMatch", f"Headers that must be signed are not: {missing}.")


# --- bodies -----------------------------------------------------------------------------------------------------------


def _is_read_later(request: _Request, signature: sigv4.HeaderSignature, presigned: bool) -> bool:
    """Whether the signature says nothing of the body but its hash, or nothing at all (S3 only: its bodies are long)."""
    if signature.service != "s3":
        return False
    if presigned:
        return True
    declared = request.headers.get("x-amz-content-sha256", "")
    if not declared:
        message = "Missing required header for this request: x-amz-content-sha256"
        raise _Refused("InvalidRequest", message, 400)
    if declared in _UNSIGNED_BODIES or _HASH.fullmatch(declared):
        return True
    if declared.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"):  # each chunk has a signature
        return False
    message = f"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-... or a SHA-256 checksum, not {declared!r}."
    raise _Refused("InvalidArgument", message, 400)


def _hashed(request: _Request, receive: Callable) -> Callable:
    """The body as it comes, which must have the hash that was signed."""
    declared = request.headers.get("x-amz-content-sha256", "")
    if not _HASH.fullmatch(declared):
        return receive
    digest = hashlib.sha256()

    async def checked() -> dict:
        message = await receive()
        digest.update(message.get("body", b""))
        if message["type"] == "http.request" and not message.get("more_body") and digest.hexdigest() != declared:
            text = "The provided 'x-amz-content-sha256' header does not match what was computed."
            raise _Refused("XAmzContentSHA256Mismatch", text, 400)
        return message

    return checked


def _verify_version_2(request: _Request) -> str:
    """The access key of an older presigned URL of S3 (boto3 without signature version 4). Raises _Refused."""
    key = request.query["AWSAccessKeyId"][0]
    if request.service != "s3" or not key or router.extract_access_key_id(request.headers, request.query) != key:
        raise _Refused("IncompleteSignature", "Sign with AWS4-HMAC-SHA256.")
    _secret(request, key, request.parameter("x-amz-security-token"))
    as_signed = iam_evaluator.SignedRequest(
        key, request.method, request.raw_path, request.query, request.headers, sigv2=True, auth_path=request.raw_path
    )
    checked = iam_evaluator._sigv2_check(as_signed, _account(key))
    if isinstance(checked, iam_evaluator.AuthError):
        expired = checked.message == "Request has expired"
        raise _Refused("RequestExpired" if expired else checked.code, checked.message)
    return key
