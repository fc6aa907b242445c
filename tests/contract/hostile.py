"""Runs in a kernel of a notebook instance: all that a hostile learner might try on the embedded AWS and its host.

`places` is put before it: names of what is not the learner's. Prints JSON: by attempt, what came of it.
"""

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

places = globals()["places"]
endpoint, outcomes = places["endpoint"], {}
trusted = ssl.create_default_context(cafile=places["authority"])


def web(method, path, headers=None, body=None):
    """Status and text of a request as it is."""
    request = urllib.request.Request(endpoint + path, body, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:
            return f"{answer.status} {answer.read(2000).decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(2000).decode(errors='replace')}"


def signed(method, path, service, credentials, headers=None, body=b""):
    request = AWSRequest(method, endpoint + path, headers=headers or {}, data=body)
    (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, "us-east-1").add_auth(request)
    return web(method, path, dict(request.headers.items()), body or None)


def called(call, **params):
    try:
        return f"200 {call(**params)}"
    except ClientError as error:
        return f"{error.response['ResponseMetadata']['HTTPStatusCode']} {error}"


def query(sql, out=places["out"]):
    """The state of an Athena query, with its reason or its rows."""
    athena = boto3.client("athena")
    try:
        started = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": places["database"]},
            ResultConfiguration={"OutputLocation": out},
        )["QueryExecutionId"]
    except ClientError as error:
        return f"400 {error}"
    while True:
        status = athena.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.05)
    if status["State"] != "SUCCEEDED":
        return f"{status['State']} {status.get('StateChangeReason')}"
    return f"200 {athena.get_query_results(QueryExecutionId=started)['ResultSet']['Rows']}"


def opened(path):
    try:
        return f"200 {Path(path).read_bytes()[:2000]!r}"
    except OSError as error:
        return f"refused {error}"


# Without any credentials.
FORM = {"content-type": "application/x-www-form-urlencoded"}
for name, attempt in {
    "config": ("POST", "/_ministack/config", {}, b'{"athena.ATHENA_ENGINE": "mock"}'),
    "code of a function": ("GET", "/_ministack/lambda-code/any"),
    "queued messages": ("GET", "/_ministack/sqs/messages"),
    "mails": ("GET", "/_ministack/ses/messages"),
    "ready": ("GET", "/_ministack/ready"),
    "localstack": ("GET", "/_localstack/health"),
    "metadata": ("GET", "/latest/meta-data/iam/security-credentials/"),
    "metadata token": ("PUT", "/latest/api/token"),
    "buckets": ("GET", "/"),
    "objects": ("GET", f"/{places['bucket']}"),
    "an object": ("GET", f"/{places['bucket']}/{places['key']}"),
    "an object written": ("PUT", f"/{places['bucket']}/{places['key']}", {}, b"mine"),
    "an object deleted": ("DELETE", f"/{places['bucket']}/{places['key']}"),
    "a bucket deleted": ("DELETE", f"/{places['bucket']}"),
    "users": ("POST", "/", FORM, b"Action=ListUsers&Version=2010-05-08"),
    "a user": ("POST", "/", FORM, b"Action=CreateUser&UserName=hostile&Version=2010-05-08"),
    "tables": ("POST", "/", {"x-amz-target": "DynamoDB_20120810.ListTables"}, b"{}"),
    "datasets": ("POST", "/", {"x-amz-target": "AmazonForecast.ListDatasets"}, b"{}"),
    "functions": ("GET", "/2015-03-31/functions/"),
    "secrets": ("POST", "/", {"x-amz-target": "secretsmanager.ListSecrets"}, b"{}"),
    "an answer to CloudFormation": ("PUT", "/_ministack/cfn-response/00000000-0000-4000-8000-000000000000", {}, b"{}"),
    "a signal to CloudFormation": ("PUT", "/_ministack/cfn-signal/any", {}, b"{}"),
    "another host": ("GET", "/", {"host": "evil.example"}),
    "another origin": ("GET", "/_ministack/health", {"origin": "https://evil.example"}),
}.items():
    outcomes[f"nobody: {name}"] = web(*attempt)

# With credentials that are nobody's, and with the learner's own for what is not the learner's.
own = boto3.Session().get_credentials().get_frozen_credentials()
own = Credentials(own.access_key, own.secret_key, own.token)
strangers = {
    "test": Credentials("test", "test"),
    "account": Credentials("000000000000", "test"),
    "empty": Credentials("", ""),
    "forged": Credentials(own.access_key, "forged", own.token),
    "no token": Credentials(own.access_key, own.secret_key),
    "root's name": Credentials("LOCAL", "forged"),
    "own": own,
}
for name, credentials in strangers.items():
    outcomes[f"{name}: buckets"] = signed("GET", "/", "s3", credentials)
    outcomes[f"{name}: an object"] = signed("GET", f"/{places['bucket']}/{places['key']}", "s3", credentials)
    outcomes[f"{name}: users"] = signed("POST", "/", "iam", credentials, FORM, b"Action=ListUsers&Version=2010-05-08")
    outcomes[f"{name}: config"] = signed("POST", "/_ministack/config", "sqs", credentials, {}, b"{}")
    outcomes[f"{name}: code"] = signed("GET", "/_ministack/lambda-code/any", "lambda", credentials)
    outcomes[f"{name}: metadata"] = signed("GET", "/latest/meta-data/iam/security-credentials/", "ec2", credentials)
    outcomes[f"{name}: registry"] = signed("GET", "/v2/_catalog", "ecr", credentials)
once = Config(retries={"total_max_attempts": 1})
for service, operation in (("iam", "list_roles"), ("dynamodb", "list_tables"), ("lambda", "list_functions"),
                           ("secretsmanager", "list_secrets"), ("forecast", "list_datasets")):  # fmt: skip
    outcomes[f"own: {operation}"] = called(getattr(boto3.client(service, config=once), operation))

# Through Athena: files of the host, the neighbour's tables, other places for results.
state, written = places["state"], places["written"]
for name, sql in {
    "root's key": f"select content from read_text('{state}/settings.json')",
    "root's key as a table": f"select * from '{state}/settings.json'",
    "root's key as lines": f"select * from read_csv('{state}/settings.json', header=false)",
    "root's key behind a CTE": f"with a as (select * from read_text('{state}/settings.json')) select * from a",
    "the private key": f"select content from read_blob('{state}/tls/server.key')",
    "names of files": f"select * from glob('{state}/**')",
    "the environment": "select content from read_text('/proc/self/environ')",
    "getenv": "select getenv('AWS_SECRET_ACCESS_KEY')",
    "a file written": f"copy (select 1) to '{written}'",
    "a database written": f"attach '{written}' as other",
    "a file after a query": f"select 1; copy (select 1) to '{written}'",
    "an extension": "install httpfs",
    "an extension loaded": "load httpfs",
    "a setting": "set enable_external_access = true",
    "settings": "select * from duckdb_settings()",
    "a query in text": f"select * from query('select * from read_text(''{state}/settings.json'')')",
    "the neighbour's table": f"select * from {places['neighbour']}.sales",
    "the neighbour's file": f"select * from read_csv('s3://{places['bucket']}/{places['key']}')",
}.items():
    outcomes[f"athena: {name}"] = query(sql)
glue = boto3.client("glue")
for name, location in {"etc": "/etc/", "file": f"file://{state}/", "climbing": f"s3://../..{state}/",
                       "theirs": f"s3://{places['bucket']}/{places['key'].rpartition('/')[0]}/"}.items():  # fmt: skip
    storage = {"Columns": [{"Name": "line", "Type": "string"}], "Location": location}
    storage["InputFormat"] = "org.apache.hadoop.mapred.TextInputFormat"
    called(glue.create_table, DatabaseName=places["database"], TableInput={"Name": name, "StorageDescriptor": storage})
    outcomes[f"athena: a table over {name}"] = query(f"select * from {name}")
    made = f"create external table {name}_made (line string) location '{location}'"
    if name != "theirs":
        outcomes[f"athena: a table made over {name}"] = query(made)
for name, out in {"the neighbour's folder": f"s3://{places['bucket']}/{places['key'].rpartition('/')[0]}/",
                  "the host": "file:///tmp/", "nowhere": "s3://no-such-bucket-of-anybody/"}.items():  # fmt: skip
    outcomes[f"athena: a result in {name}"] = query("select 1", out)


def tried(attempt, *given):
    """An attempt on the host that the kernel refuses."""
    try:
        return f"200 {attempt(*given)!r}"[:2000]
    except OSError as error:
        return f"refused {error}"


# On the host itself: the server's and the other learners' processes.
for name, pid in places["processes"].items():
    outcomes[f"host: environment of {name}"] = opened(f"/proc/{pid}/environ")
    outcomes[f"host: memory of {name}"] = opened(f"/proc/{pid}/mem")
    outcomes[f"host: files of {name}"] = tried(os.readlink, f"/proc/{pid}/fd/1")
    if places["scoped"]:
        outcomes[f"host: signal to {name}"] = tried(os.kill, pid, 0)
if places["scoped"]:
    with socket.socket(socket.AF_UNIX) as client:
        outcomes["host: an abstract socket"] = tried(client.connect, places["abstract"])
status = Path("/proc/self/status").read_text().splitlines()
capabilities = {int(line.split()[1], 16) for line in status if line.startswith("Cap")}
outcomes["host: capabilities"] = "refused all" if capabilities == {0} or os.geteuid() else f"200 {capabilities}"
for name in ("AWS_SECRET_ACCESS_KEY", "JUPYTER_TOKEN"):
    outcomes[f"host: {name} in the environment"] = "refused absent" if name not in os.environ else "200"
for name, path in {"settings": "settings.json", "private key": "tls/server.key", "log": "log.txt"}.items():
    outcomes[f"host: {name}"] = opened(f"{state}/{path}")

# What is the learner's own still works.
outcomes["allowed: health"] = web("GET", "/_ministack/health")
outcomes["allowed: identity"] = called(boto3.client("sts").get_caller_identity)
outcomes["allowed: query"] = query("select 40 + 2 as answer")

# Last, as it would take everything away.
outcomes["nobody: reset"] = web("POST", "/_ministack/reset")
outcomes["nobody: reset with init"] = web("POST", "/_ministack/reset?init=1")
for name, credentials in strangers.items():
    outcomes[f"{name}: reset"] = signed("POST", "/_ministack/reset", "s3", credentials)
print(json.dumps(outcomes))
