"""Nothing without a valid signature: on every service's endpoint, with every method, and for the root key too."""

import datetime
import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import boto3
import pytest
import websocket
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from ministack.app import SERVICE_HANDLERS
from ministack.core.router import SERVICE_PATTERNS

from localaws.settings import REGION, Settings
from tests.contract.helpers import ACCOUNT, policy, statement, unique, user

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# Where ministack, or a service of it, answers by path: most of these ask for no signature there.
PATHS = (
    "/", "/any-bucket", "/any-bucket/key", "/?Action=GetCallerIdentity&Version=2011-06-15", "/?Action=ListUsers",
    "/health", "/_localstack/health", "/_localstack/init", "/_localstack/state/reset", "/_ministack/ready",
    "/_ministack/reset", "/_ministack/reset?init=1", "/_ministack/config", "/_ministack/lambda-code/any",
    "/_ministack/lambda-layers/any/1", "/_ministack/ses/messages", "/_ministack/sqs/messages",
    "/_ministack/sns/sms-messages", "/_ministack/rds/iam-auth", "/_ministack/rds/ca.pem", "/_ministack/iot/ca.pem",
    "/_ministack/eks-auth/any", "/_ministack/cfn-signal/any", "/_ministack/cfn-response/any",
    "/_ministack/cfn-response/00000000-0000-4000-8000-000000000000", "/_ministack/transfer/sftp-ports",
    "/_ministack/health/", "/_ministack//health", "//_ministack/reset", "/_ministack/health/../reset",
    "/_aws/execute-api/any/any", "/latest/meta-data/iam/security-credentials/", "/latest/api/token",
    "/latest/dynamic/instance-identity/document", "/v2/", "/v2/_catalog", "/v2/email/identities", "/oauth2/token",
    "/oauth2/authorize", "/login", "/.well-known/jwks.json", "/us-east-1_any/.well-known/openid-configuration",
    "/iceberg/v1/config", "/v20180820/accesspoint", "/2015-03-31/functions", "/2015-03-31/functions/any/invocations",
    "/2013-04-01/hostedzone", "/2020-05-31/distribution", "/restapis", "/v2/apis", "/restapis/any/prod/_user_request_/",
    "/model/any/invoke", "/WriteGetObjectResponse", "/graphql", "/event", "/_alb/any/", "/clusters", "/Execute",
    "/notebook-instances", "/recommendations", "/events",
    "/service/GraniteServiceVersion20100801/operation/ListMetrics",
)  # fmt: skip
CODES = {
    "AccessDenied", "AccessDeniedException", "AuthFailure", "AuthorizationHeaderMalformed", "ExpiredToken",
    "ExpiredTokenException",
    "ForbiddenException", "IncompleteSignature", "IncompleteSignatureException", "InvalidAccessKeyId",
    "InvalidClientTokenId", "InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken",
    "MissingParameter",
    "MissingAuthenticationTokenException", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}  # fmt: skip


@dataclass
class Answer:
    status: int
    body: str
    code: str


class Wire:
    """Requests as they are, over one connection at a time."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.trusted = ssl.create_default_context(cafile=str(settings.certificate_authority))
        self.root = Credentials(settings.access_key, settings.secret_key)
        self.connection: http.client.HTTPSConnection | None = None

    def send(self, method: str, path: str, headers: dict | None = None, body: bytes = b"") -> Answer:
        self.connection = self.connection or http.client.HTTPSConnection(
            "127.0.0.1", self.settings.port, context=self.trusted, timeout=30
        )
        try:
            self.connection.request(method, path, body=body or None, headers=headers or {})
            answer = self.connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise
        if answer.will_close:
            self.connection.close()
            self.connection = None
        return Answer(answer.status, text, _code(answer, text))

    def signed(
        self, method: str, path: str, service: str, credentials: Credentials | None = None, *, body: bytes = b"",
        headers: dict | None = None, seconds_ago: float = 0, scheme: type = SigV4Auth,
        change: Callable[[dict], None] = lambda headers: None, sent: bytes | None = None,
    ) -> Answer:  # fmt: skip
        """A request signed `seconds_ago`; `change` alters its headers after that, `sent` goes in place of its body."""
        signing = S3SigV4Auth if service == "s3" and scheme is SigV4Auth else scheme
        request = AWSRequest(method, f"{self.settings.endpoint}{path}", headers=headers or {}, data=body)
        signer = signing(credentials or self.root, service, REGION)
        moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=seconds_ago)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("botocore.auth.get_current_datetime", lambda: moment.replace(tzinfo=None))
            signer.add_auth(request)
        prepared = request.prepare()
        named = {str(name): value.decode() if isinstance(value, bytes) else value
                 for name, value in prepared.headers.items()}  # fmt: skip
        named.pop("Content-Length", None)
        change(named)
        return self.send(
            method, prepared.url.removeprefix(self.settings.endpoint), named, body if sent is None else sent
        )


def _code(answer: http.client.HTTPResponse, text: str) -> str:
    if "<Code>" in text:
        return text.partition("<Code>")[2].partition("</Code>")[0]
    return (answer.headers.get("x-amzn-errortype") or "").rstrip(":")


@pytest.fixture(scope="module")
def wire(embedded_aws: Settings) -> Wire:
    return Wire(embedded_aws)


@pytest.fixture(scope="module")
def kept(embedded_aws: Settings) -> Callable[[], None]:
    """Fails when anything that was here before is not any more."""
    bucket = unique("kept").replace("_", "-")
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="key", Body=b"kept")
    boto3.client("iam").create_user(UserName=bucket)

    def check() -> None:
        assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"kept"
        assert boto3.client("iam").get_user(UserName=bucket)["User"]["UserName"] == bucket

    return check


def refused(answer: Answer, method: str = "GET") -> bool:
    return answer.status in (400, 401, 403) and (method == "HEAD" or answer.code in CODES)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_answers_without_a_signature(wire: Wire, kept: Callable, path: str) -> None:
    for method in METHODS:
        answer = wire.send(method, path, body=b"{}" if method in ("POST", "PUT", "PATCH") else b"")
        assert refused(answer, method), (method, path, answer)
    kept()


@pytest.mark.parametrize("service", sorted(SERVICE_HANDLERS))
def test_no_service_answers_without_a_signature(wire: Wire, kept: Callable, service: str) -> None:
    """Named by the target of its JSON protocol, by its host, and by the scope of a credential that signs nothing."""
    targets = [f"{each}Any" for each in SERVICE_PATTERNS.get(service, {}).get("target_prefixes", [])] or ["Any.Any"]
    scope = f"AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/{service}/aws4_request"
    for headers in (
        *({"x-amz-target": target, "content-type": "application/x-amz-json-1.1"} for target in targets),
        {"host": f"{service}.localhost:{wire.settings.port}"},
        {"authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00"},
        {"authorization": f"AWS4-HMAC-SHA256 Credential={wire.settings.access_key}/{scope.partition('/')[2]}"},
        {"authorization": f"AWS {wire.settings.access_key}:00"},
        {"authorization": "Bearer 00"},
        {"authorization": ""},
    ):
        for method, path in (("POST", "/"), ("GET", "/"), ("GET", "/any"), ("DELETE", "/any/any")):
            answer = wire.send(method, path, headers, b"{}" if method == "POST" else b"")
            assert refused(answer), (service, method, path, headers, answer)
    kept()


# (service, method, path, headers, body): a call of each protocol that the root user may make.
CALLS = {
    "s3": ("GET", "/", {}, b""),
    "s3 list": ("GET", "/any-bucket?list-type=2&prefix=a%20b%2Fc%26d&delimiter=%2F", {}, b""),
    "s3 put": ("PUT", "/any-bucket/a%20b/%C3%BC%2B..", {"content-type": "text/plain"}, b"body"),
    "iam": ("POST", "/", {"content-type": "application/x-www-form-urlencoded"},
            urlencode({"Action": "ListUsers", "Version": "2010-05-08"}).encode()),
    "sts": ("POST", "/", {"content-type": "application/x-www-form-urlencoded"},
            urlencode({"Action": "GetCallerIdentity", "Version": "2011-06-15"}).encode()),
    "dynamodb": ("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables"}, b"{}"),
    "lambda": ("GET", "/2015-03-31/functions/", {}, b""),
    "forecast": ("POST", "/", {"x-amz-target": "AmazonForecast.ListDatasets"}, b"{}"),
    "glue": ("POST", "/", {"x-amz-target": "AWSGlue.GetDatabases"}, b"{}"),
    "ministack": ("GET", "/_ministack/ready", {}, b""),
}  # fmt: skip


@pytest.fixture(params=CALLS)
def call(request: pytest.FixtureRequest) -> dict:
    method, path, headers, body = CALLS[request.param]
    return {
        "method": method,
        "path": path,
        "service": request.param.partition(" ")[0],
        "headers": headers,
        "body": body,
    }


def test_a_valid_signature_is_let_in(wire: Wire, call: dict) -> None:
    answer = wire.signed(**call)
    assert answer.status in (200, 404) and answer.code in ("", "NoSuchBucket"), answer
    assert wire.signed(**call, seconds_ago=4 * 60).status == answer.status
    assert wire.signed(**call, seconds_ago=-4 * 60).status == answer.status


@pytest.fixture(params=["root", "user", "session"])
def credentials(request: pytest.FixtureRequest, wire: Wire) -> Credentials:
    """Of the root user, of a user and of a session of a role, each of whom may do anything."""
    if request.param == "root":
        return wire.root
    anything = statement("*")
    if request.param == "user":
        found = user(anything).get_credentials()
        return Credentials(found.access_key, found.secret_key)
    iam, name = boto3.client("iam"), unique("anyone")
    trusting = statement("sts:AssumeRole") | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    del trusting["Resource"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trusting))
    iam.put_role_policy(RoleName=name, PolicyName="rights", PolicyDocument=policy(anything))
    assumer = user(statement("sts:AssumeRole")).client("sts")
    given = assumer.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="session")["Credentials"]
    return Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@pytest.mark.parametrize("body", [b'{"Limit":5}', b'{ "Limit" : 5 }', b'{"Limit": 5}'])
def test_json_is_let_in_as_any_sdk_writes_it(wire: Wire, credentials: Credentials, body: bytes) -> None:
    """Without blanks by JavaScript's, with blanks by Python's."""
    headers = {"x-amz-target": "DynamoDB_20120810.ListTables", "content-type": "application/x-amz-json-1.0"}
    answer = wire.signed("POST", "/", "dynamodb", credentials, headers=headers, body=body)
    assert answer.status == 200, answer


def test_a_signature_that_is_not_right_is_refused(wire: Wire, credentials: Credentials, call: dict) -> None:
    key, secret, token = credentials.access_key, credentials.secret_key, credentials.token

    def cut(headers: dict) -> None:
        headers["Authorization"] = headers["Authorization"][:-4] + "0000"

    def other_moment(headers: dict) -> None:
        signed = headers["X-Amz-Date"]
        headers["X-Amz-Date"] = signed[:-3] + ("58Z" if signed.endswith("59Z") else "59Z")

    def further(headers: dict) -> None:
        headers["x-amz-copy-source"] = "/kept/key"

    def unsigned_host(headers: dict) -> None:
        headers["Authorization"] = headers["Authorization"].replace("host;", "").replace(";host", "")

    def two_keys(headers: dict) -> None:
        other = wire.settings.access_key if key != wire.settings.access_key else "AKIAIOSFODNN7EXAMPLE"
        other = f"XCredential={other}/20260101/us-east-1/iam/aws4_request, Credential="
        headers["Authorization"] = headers["Authorization"].replace("Credential=", other, 1)

    attempts = {
        "a wrong secret": {"credentials": Credentials(key, "wrong", token)},
        "an empty secret": {"credentials": Credentials(key, "x", token)},
        "a key that is nobody's": {"credentials": Credentials("AKIAIOSFODNN7EXAMPLE", secret, token)},
        "a well-known key": {"credentials": Credentials("test", secret, token)},
        "an account as key": {"credentials": Credentials(ACCOUNT, secret, token)},
        "another token": {"credentials": Credentials(key, secret, "other")},
        "long ago": {"seconds_ago": 16 * 60},
        "a day ago": {"seconds_ago": 24 * 3600},
        "in the future": {"seconds_ago": -16 * 60},
        "a cut signature": {"change": cut},
        "another moment": {"change": other_moment},
        "a header more": {"change": further},
        "no host": {"change": unsigned_host},
        "two keys": {"change": two_keys},
        "another body": {"sent": b"something else" if call["method"] == "GET" else call["body"] + b" "},
    }
    if token:
        attempts["no token"] = {"credentials": Credentials(key, secret)}
    for name, attempt in attempts.items():
        answer = wire.signed(**{**call, "credentials": credentials} | attempt)
        expected = answer.code in ("XAmzContentSHA256Mismatch",) if name == "another body" else False
        assert refused(answer) or (answer.status == 400 and expected), (name, answer)


def test_another_path_method_or_query_is_refused(wire: Wire) -> None:
    for signed, sent in ((("GET", "/a?x=1"), ("GET", "/b?x=1")), (("GET", "/a?x=1"), ("GET", "/a?x=2")),
                         (("GET", "/a"), ("DELETE", "/a")), (("GET", "/a/b"), ("GET", "/a%2Fb"))):  # fmt: skip
        request = AWSRequest(signed[0], wire.settings.endpoint + signed[1])
        S3SigV4Auth(wire.root, "s3", REGION).add_auth(request)
        assert wire.send(*sent, dict(request.headers)).code == "SignatureDoesNotMatch", (signed, sent)


def test_the_codes_are_awss(wire: Wire) -> None:
    forecast = {"x-amz-target": "AmazonForecast.ListDatasets"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    listing = b"Action=ListUsers&Version=2010-05-08"
    assert wire.send("GET", "/").code == "AccessDenied"
    assert wire.send("POST", "/", forecast, b"{}").code == "MissingAuthenticationTokenException"
    assert wire.send("POST", "/", form, listing).code in ("MissingAuthenticationToken", "AccessDenied")
    wrong = Credentials(wire.settings.access_key, "wrong")
    nobody = Credentials("AKIAIOSFODNN7EXAMPLE", "wrong")
    for service, method, headers, body, codes in (
        ("s3", "GET", {}, b"", ("SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed")),
        ("iam", "POST", form, listing, ("SignatureDoesNotMatch", "InvalidClientTokenId", "SignatureDoesNotMatch")),
        ("forecast", "POST", forecast, b"{}",
         ("InvalidSignatureException", "UnrecognizedClientException", "InvalidSignatureException")),
    ):  # fmt: skip
        request = {"method": method, "path": "/", "service": service, "headers": headers, "body": body}
        found = (
            wire.signed(**request, credentials=wrong).code,
            wire.signed(**request, credentials=nobody).code,
            wire.signed(**request, seconds_ago=3600).code,
        )
        assert found == codes, service


def test_only_the_root_user_administers_the_emulator(wire: Wire, kept: Callable) -> None:
    found = user(statement("*")).get_credentials()
    anyone = Credentials(found.access_key, found.secret_key)
    for method, path in (("POST", "/_ministack/reset"), ("POST", "/_ministack/config"), ("GET", "/_ministack/ready"),
                         ("GET", "/_ministack/lambda-code/any"), ("GET", "/_ministack/ses/messages"),
                         ("GET", "/latest/meta-data/iam/security-credentials/"), ("PUT", "/latest/api/token"),
                         ("GET", "/_localstack/health")):  # fmt: skip
        for service in ("s3", "execute-api", "iam"):
            assert refused(wire.signed(method, path, service, anyone, body=b"{}" if method == "POST" else b"")), path
    kept()
    assert wire.signed("GET", "/_ministack/ready", "execute-api").status == 200


def test_what_iam_knows_no_action_for_is_nobodys(wire: Wire) -> None:
    found = user().get_credentials()
    nobody = Credentials(found.access_key, found.secret_key)
    for path in PATHS:
        for method in ("GET", "POST", "PUT"):
            for service in ("s3", "execute-api", "sqs"):
                answer = wire.signed(method, path, service, nobody, body=b"" if method == "GET" else b"{}")
                if "GetCallerIdentity" not in path and not path.endswith("/_ministack/health"):
                    assert answer.status >= 400, (method, path, service, answer)


@pytest.mark.parametrize("key", ["key", "a b/ü+.csv"])
def test_presigned_urls_of_s3_work_until_they_expire(wire: Wire, key: str) -> None:
    bucket = unique("presigned").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=bucket)
    for version in ("s3v4", None):
        s3 = boto3.client("s3", config=Config(signature_version=version))
        where = {"Bucket": bucket, "Key": key}
        put = s3.generate_presigned_url("put_object", where)
        assert _fetch(wire, put, "PUT", b"body")[0] == 200
        get = s3.generate_presigned_url("get_object", where)
        assert _fetch(wire, get) == (200, b"body")
        assert _fetch(wire, get, "DELETE")[0] == 403
        assert _fetch(wire, get.replace(bucket, "other"))[0] == 403
        over = s3.generate_presigned_url("get_object", where, ExpiresIn=-1 if version is None else 0)
        status, text = _fetch(wire, over)
        assert status == 403 and b"Request has expired" in text, (version, text)


def test_a_presigned_url_lives_as_long_as_it_says(wire: Wire) -> None:
    bucket = unique("presigned").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=bucket)
    for seconds, ago, status in ((300, 290, 200), (300, 301, 403), (604_800, 600_000, 200), (604_801, 0, 400),
                                 (300, -20 * 60, 403), ("a", 0, 400)):  # fmt: skip

        class Query(S3SigV4QueryAuth):
            def __init__(self, *arguments, _seconds=seconds):
                super().__init__(*arguments, expires=_seconds)

        answer = wire.signed("GET", f"/{bucket}", "s3", scheme=Query, seconds_ago=ago)
        assert answer.status == status, (seconds, ago, answer)


def test_a_presigned_url_of_another_service_works_too(wire: Wire) -> None:
    path = "/?Action=GetCallerIdentity&Version=2011-06-15"

    class Query(SigV4QueryAuth):
        def __init__(self, *arguments):
            super().__init__(*arguments, expires=60)

    assert wire.signed("GET", path, "sts", scheme=Query).status == 200
    assert refused(wire.signed("GET", path, "sts", scheme=Query, seconds_ago=61))
    assert refused(wire.signed("GET", path, "sts", Credentials(wire.settings.access_key, "wrong"), scheme=Query))


def _fetch(wire: Wire, url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, body, {"Content-Type": ""}, method=method), context=wire.trusted, timeout=30
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_an_object_in_signed_chunks_is_taken_only_as_it_was_signed(wire: Wire) -> None:
    """STREAMING-AWS4-HMAC-SHA256-PAYLOAD, each chunk with a signature (docs/aws-sources.md#s3-sigv4-streaming)."""
    bucket = unique("chunked").replace("_", "-")
    boto3.client("s3").create_bucket(Bucket=bucket)
    for content, sent, status in ((b"chunk", b"chunk", 200), (b"chunk", b"other", 403)):
        headers = {"x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "content-encoding": "aws-chunked",
                   "x-amz-decoded-content-length": "5"}  # fmt: skip
        request = AWSRequest("PUT", f"{wire.settings.endpoint}/{bucket}/key", headers=headers)
        signer = S3SigV4Auth(wire.root, "s3", REGION)
        signer.payload = lambda _: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        signer.add_auth(request)
        named = dict(request.headers.items())
        body, previous = b"", named["Authorization"].rpartition("=")[2]
        for chunk in (content, b""):
            text = "\n".join(("AWS4-HMAC-SHA256-PAYLOAD", request.context["timestamp"],
                              signer.credential_scope(request), previous, hashlib.sha256(b"").hexdigest(),
                              hashlib.sha256(chunk).hexdigest()))  # fmt: skip
            previous = signer.signature(text, request)
            shown = sent if chunk else b""
            body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + shown + b"\r\n"
        answer = wire.send("PUT", f"/{bucket}/key", named, body)
        assert answer.status == status, answer


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "evil.example:4566"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost.evil.example"},
        {"host": "a.b.localhost"},
        {"host": "s3.us-east-1.amazonaws.com.evil.example"},
        {"host": "evil.example.amazonaws.com"},
        {"origin": "https://evil.s3.amazonaws.com"},
        {"host": "169.254.169.254"},
        {"host": "0.0.0.0"},
        {"host": ""},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8888"},
        {"origin": "http://localhost"},
        {"origin": ""},
    ],
)
def test_pages_of_other_sites_get_nothing(wire: Wire, headers: dict) -> None:
    """Neither by a name of their own for this address (DNS rebinding) nor across sites, health included, however well
    the request is signed. Names of AWS's own endpoints are accepted, as only AWS decides where they lead; origins on
    them are not."""
    for answer in (wire.send("GET", "/_ministack/health", headers), wire.signed("GET", "/", "s3", headers=headers)):
        assert answer.status in (400, 403) and "Buckets" not in answer.body, answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "aws.localhost"])
def test_its_own_names_are_known(wire: Wire, host: str) -> None:
    port = wire.settings.port
    headers = {"host": f"{host}:{port}", "origin": f"https://127.0.0.1:{port}"}
    assert wire.send("GET", "/_ministack/health", headers).status == 200
    request = AWSRequest("GET", f"https://{host}:{port}/", headers={"host": f"{host}:{port}"})
    S3SigV4Auth(wire.root, "s3", REGION).add_auth(request)
    if host != "aws.localhost":  # S3 has a bucket of that name
        assert wire.send("GET", "/", dict(request.headers.items())).status == 200


def test_health_is_open_and_reveals_nothing(wire: Wire) -> None:
    answer = wire.send("GET", "/_ministack/health")
    assert answer.status == 200
    assert wire.settings.access_key not in answer.body and str(wire.settings.state) not in answer.body


def test_a_websocket_is_refused(wire: Wire) -> None:
    for path in ("/", "/_aws/execute-api/any/any", "/mqtt"):
        with pytest.raises((websocket.WebSocketBadStatusException, websocket.WebSocketConnectionClosedException)):
            websocket.create_connection(
                f"wss://127.0.0.1:{wire.settings.port}{path}",
                sslopt={"ca_certs": str(wire.settings.certificate_authority)}, timeout=10,
            )  # fmt: skip


def test_a_refused_upload_is_not_kept_in_memory(wire: Wire) -> None:
    """Its answer comes before its body where the client waits for 100 Continue, as boto3 does."""
    connection = http.client.HTTPSConnection("127.0.0.1", wire.settings.port, context=wire.trusted, timeout=30)
    connection.putrequest("PUT", "/any-bucket/large")
    for name, value in (("content-length", str(2**30)), ("expect", "100-continue")):
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == 403
    connection.close()
    answer = wire.send("PUT", "/any-bucket/large", body=b"x" * 2**22)
    assert answer.code == "AccessDenied"


def test_boto3_without_a_signature_is_refused(embedded_aws: Settings) -> None:
    from botocore import UNSIGNED

    for service, operation in (("s3", "list_buckets"), ("forecast", "list_datasets"), ("iam", "list_users"),
                               ("dynamodb", "list_tables"), ("lambda", "list_functions"),
                               ("stepfunctions", "list_state_machines"),
                               ("secretsmanager", "list_secrets")):  # fmt: skip
        client = boto3.client(service, config=Config(signature_version=UNSIGNED))
        with pytest.raises(ClientError, match="AccessDenied|MissingAuthenticationToken|UnrecognizedClient"):
            getattr(client, operation)()
