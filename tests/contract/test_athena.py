"""Athena: SQL over the files of the Glue tables that it names, with the caller's permissions, and nothing else."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.settings import Settings
from tests.contract.clients import refused
from tests.contract.helpers import ACCOUNT, policy, statement, unique, user

ROWS = "item,day,units\nmilk,2026-01-01,3\nmilk,2026-01-02,4\nbread,2026-01-01,5\n"
COLUMNS = [("item", "string"), ("day", "string"), ("units", "double")]
CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"


@dataclass
class Answer:
    """How a query ended."""

    query: str
    state: str
    reason: str
    location: str
    rows: list[tuple[str | None, ...]]


def ask(sql: str, out: str, session: boto3.Session | None = None, database: str = "default", **more) -> Answer:
    """How a query ends; a statement that StartQueryExecution refuses is REFUSED."""
    athena = (session or boto3.Session()).client("athena")
    try:
        started = athena.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": database},
            **({"ResultConfiguration": {"OutputLocation": out}} | more),
        )["QueryExecutionId"]
    except ClientError as error:
        return Answer("", "REFUSED", str(error), "", [])
    root = boto3.client("athena")
    while (found := root.get_query_execution(QueryExecutionId=started)["QueryExecution"])["Status"]["State"] in (
        "QUEUED",
        "RUNNING",
    ):
        time.sleep(0.05)
    status, rows = found["Status"], []
    if status["State"] == "SUCCEEDED":
        for page in athena.get_paginator("get_query_results").paginate(QueryExecutionId=started):
            rows += [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in page["ResultSet"]["Rows"]]
    reason = status.get("StateChangeReason", "")
    return Answer(started, status["State"], reason, found["ResultConfiguration"]["OutputLocation"], rows)


@dataclass
class Place:
    """A bucket with the files of a table, and a database with the table over them."""

    bucket: str
    database: str

    @property
    def out(self) -> str:
        return f"s3://{self.bucket}/results/"

    def ask(self, sql: str, session: boto3.Session | None = None, **more) -> Answer:
        return ask(sql, more.pop("out", self.out), session, self.database, **more)

    def glue(self, *actions: str, table: str = "*") -> dict:
        resources = ["catalog", f"database/{self.database}", f"table/{self.database}/{table}"]
        on = [f"arn:aws:glue:us-east-1:{ACCOUNT}:{each}" for each in resources]
        return statement(*(actions or ("glue:GetDatabase", "glue:GetTable", "glue:GetPartitions")), on=on)

    def reading(self) -> list[dict]:
        folder = {"StringLike": {"s3:prefix": ["sales/*"]}}
        bucket = f"arn:aws:s3:::{self.bucket}"
        return [
            statement("s3:GetObject", on=f"{bucket}/sales/*"),
            statement("s3:ListBucket", on=bucket, Condition=folder),
        ]

    def writing(self) -> list[dict]:
        bucket = f"arn:aws:s3:::{self.bucket}"
        return [
            statement("s3:GetBucketLocation", on=bucket),
            statement("s3:PutObject", "s3:GetObject", on=f"{bucket}/results/*"),
        ]


# Athena looks at the database `default` before any query.
ATHENA = [
    statement("athena:*"),
    statement(
        "glue:GetDatabase",
        on=[f"arn:aws:glue:us-east-1:{ACCOUNT}:catalog", f"arn:aws:glue:us-east-1:{ACCOUNT}:database/default"],
    ),
]


def create_table(database: str, name: str, location: str, partitioned: bool = False) -> None:
    storage = {
        "Columns": [{"Name": column, "Type": kind} for column, kind in COLUMNS],
        "Location": location,
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {"SerializationLibrary": CSV},
    }
    table = {"Name": name, "StorageDescriptor": storage, "Parameters": {"skip.header.line.count": "1"}}
    if partitioned:
        table["PartitionKeys"] = [{"Name": "run", "Type": "string"}]
    boto3.client("glue").create_table(DatabaseName=database, TableInput=table)


@pytest.fixture(scope="module")
def place(embedded_aws: Settings) -> Place:
    made = Place(unique("athena").replace("_", "-"), unique("athena"))
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=made.bucket)
    s3.put_object(Bucket=made.bucket, Key="sales/sales.csv", Body=ROWS)
    boto3.client("glue").create_database(DatabaseInput={"Name": made.database})
    create_table(made.database, "sales", f"s3://{made.bucket}/sales/")
    return made


@pytest.fixture(scope="module")
def learner(place: Place) -> boto3.Session:
    """May query the table `sales` and write results, no more."""
    return user(*ATHENA, place.glue(), *place.reading(), *place.writing())


def test_a_query_reads_the_tables_files(place: Place, learner: boto3.Session) -> None:
    answer = place.ask("select item, sum(units) as units from sales group by item order by 1", learner)
    assert answer.state == "SUCCEEDED", answer.reason
    assert answer.rows == [("item", "units"), ("bread", "5.0"), ("milk", "7.0")]


@pytest.mark.parametrize(
    "sql",
    [
        "with a as (select * from sales where units > 3) select count(*) from a join sales b on a.item = b.item",
        'select s.units from "{database}"."sales" s where s.item in (select item from sales) and s.day is not null',
        'select "{database}".sales.item from awsdatacatalog.{database}.sales',
        "select item, row_number() over (partition by item order by day desc) as n from sales union all select 'x', 1",
        "select date_trunc('month', cast(day as date)), max_by(item, units) from sales group by 1",
        "select case when units > 4 then upper(item) else coalesce(nullif(item, 'x'), '') end || '!' from sales",
        "select x from unnest(array[1, 2, 3]) as t(x) where x between 1 and 2",
        "select count(*) filter (where item like 'm%'), year(date '2026-01-01' + interval '1' day) from sales",
        "(select item from sales limit 1)",
        "values (1, 'a'), (2, 'b')",
        "-- a comment\n/* and another */ select 1;",
    ],
)
def test_what_athena_knows_of_sql_is_answered(place: Place, learner: boto3.Session, sql: str) -> None:
    answer = place.ask(sql.format(database=place.database), learner)
    assert answer.state == "SUCCEEDED", answer.reason
    assert len(answer.rows) > 1


def test_nothing_is_no_empty_text_and_a_comma_stays_in_its_cell(place: Place, learner: boto3.Session) -> None:
    answer = place.ask("select null as a, '' as b, 'x,\"y\"\n' as c, true as d", learner)
    assert answer.rows == [("a", "b", "c", "d"), (None, "", 'x,"y"\n', "true")]


def numbers(most: int, chosen: str) -> str:
    """A query over the numbers from 1 to `most`, as x."""
    counted = f"with recursive t(x) as (select 1 union all select x + 1 from t where x < {most})"
    return f"{counted} select {chosen} from t"


def test_results_come_in_pages(place: Place, learner: boto3.Session) -> None:
    query = place.ask(numbers(25, "x"), learner).query
    athena = learner.client("athena")
    first = athena.get_query_results(QueryExecutionId=query, MaxResults=10)
    second = athena.get_query_results(QueryExecutionId=query, MaxResults=10, NextToken=first["NextToken"])
    values = [row["Data"][0]["VarCharValue"] for page in (first, second) for row in page["ResultSet"]["Rows"]]
    assert values[:3] == ["x", "1", "2"] and values == ["x", *map(str, range(1, len(values)))]


# What DuckDB, which answers the queries, can do on the host: each of these must come to nothing.
REACHING_OUT = {
    "a text file": "select content from read_text('{secret}')",
    "a text file's bytes": "select content from read_blob('{secret}')",
    "a file's lines": "select * from read_csv('{secret}', header=false, columns={{'a': 'VARCHAR'}})",
    "a guessed CSV": "select * from read_csv_auto('{secret}')",
    "a JSON file": "select * from read_json('{secret}')",
    "a JSON file's objects": "select * from read_json_objects('{secret}')",
    "a Parquet file": "select * from read_parquet('{secret}')",
    "a Parquet file, the older name": "select * from parquet_scan('{secret}')",
    "a file as a table": "select * from '{secret}'",
    "a file as a quoted table": 'select * from "{secret}"',
    "a file in a subquery": "select (select content from read_text('{secret}')) from sales",
    "a file in a CTE": "with a as (select * from read_text('{secret}')) select * from a",
    "a file beside a table": "select * from sales, read_text('{secret}')",
    "names of files": "select * from glob('{folder}/*')",
    "a query in text": "select * from query('select content from read_text(''{secret}'')')",
    "a table in text": "select * from query_table('{secret}')",
    "a query in JSON": "from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "the environment": "select getenv('AWS_SECRET_ACCESS_KEY')",
    "a setting": "select current_setting('secret_directory')",
    "all settings": "select * from duckdb_settings()",
    "secrets": "select * from duckdb_secrets()",
    "the engine's tables": "select * from pg_catalog.pg_tables",
    "a network file": "select * from read_csv('{endpoint}/_ministack/health')",
    "a file written": "copy (select 'x') to '{written}'",
    "a table's file written": "copy sales to '{written}'",
    "a file loaded": "copy sales from '{secret}'",
    "a database written": "attach '{written}' as other",
    "a database exported": "export database '{written}'",
    "a database imported": "import database '{folder}'",
    "an extension installed": "install httpfs",
    "an extension loaded": "load httpfs",
    "a setting changed": "set enable_external_access = true",
    "a pragma": "pragma database_list",
    "a setting changed after a query": "select 1; set enable_external_access = true",
    "a file after a query": "select 1; copy (select 'x') to '{written}'",
    "a file described": "describe select * from read_text('{secret}')",
    "a file summarized": "summarize select * from read_text('{secret}')",
    "a file explained": "explain analyze select * from read_text('{secret}')",
    "a macro": "create macro f(a) as table select * from read_text(a)",
    "a view": "create view v as select * from read_text('{secret}')",
    "a table from a file": "create table t as select * from read_text('{secret}')",
    "a row inserted": "insert into sales select content, '', 1 from read_text('{secret}')",
    "an unload": "unload (select content from read_text('{secret}')) to 's3://{bucket}/results/' with (format = 'CSV')",
    "a call": "call duckdb_settings()",
    "a prepared statement": "prepare p as select * from read_text('{secret}')",
    "an s3 path": "select * from read_csv('s3://{bucket}/sales/sales.csv')",
    "an s3 path as a table": "select * from 's3://{bucket}/sales/sales.csv'",
    "a Python variable": "select * from data",
    "a pivot": "pivot sales on item using sum(units)",
    "another catalog": "select * from system.information_schema.tables",
    "an S3 Tables bucket": 'select * from "s3tablescatalog/any".a.b',
}


@pytest.fixture(scope="module")
def secret(embedded_aws: Settings) -> str:
    """What only the server may read: its root key."""
    return embedded_aws.secret_key


@pytest.mark.parametrize("attempt", REACHING_OUT)
def test_a_query_reaches_nothing_outside_the_tables(
    place: Place, embedded_aws: Settings, secret: str, tmp_path, attempt: str
) -> None:
    """Asked by root: no permission of anybody's opens the host."""
    written = tmp_path / "written.csv"
    names = {"secret": embedded_aws.state / "settings.json", "folder": embedded_aws.state, "written": written}
    sql = REACHING_OUT[attempt].format(**names, endpoint=embedded_aws.endpoint, bucket=place.bucket)
    answer = place.ask(sql)
    assert answer.state in ("FAILED", "REFUSED"), (answer, "it was answered")
    assert secret not in str(answer) and str(embedded_aws.state) not in answer.reason.replace(sql, "").replace(
        str(names["secret"]), ""
    )
    assert not written.exists()


def test_what_athena_does_not_know_is_refused_in_its_words(place: Place) -> None:
    started = boto3.client("athena").start_query_execution
    for sql, words in (
        ("copy sales to 'x'", "line 1:1: mismatched input 'copy'"),
        ("select 1; select 2", "Only one sql statement is allowed"),
        ("select 1 from where", "line 1:15: syntax error"),
        ("-- nothing", "line 1:11: mismatched input '<EOF>'"),
    ):
        refused("InvalidRequestException", started, words, QueryString=sql,
                ResultConfiguration={"OutputLocation": place.out})  # fmt: skip
    for sql, reason in (
        ("select\n  getenv('HOME')", "FUNCTION_NOT_FOUND: line 2:3: Function 'getenv' not registered"),
        ("select * from read_text('x')", "FUNCTION_NOT_FOUND: line 1:15: Table function 'read_text' not registered"),
        ("select * from nothing", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{}.nothing' does not exist"),
        ("select nothing from sales", "COLUMN_NOT_FOUND"),
        ("insert into sales values ('a', 'b', 1)", "NOT_SUPPORTED"),
    ):
        answer = place.ask(sql)
        assert answer.state == "FAILED" and reason.format(place.database) in answer.reason, answer


@pytest.mark.parametrize(
    "location",
    ["/etc/", "file:///etc/", "/proc/self/", "s3://../../etc/", "s3://no-such-bucket-anywhere/", "s3://", "", "../"],
)
def test_a_table_lies_in_a_bucket_or_nowhere(place: Place, embedded_aws: Settings, location: str) -> None:
    name = unique("elsewhere")
    create_table(place.database, name, location)
    answer = place.ask(f"select * from {name}")
    assert answer.state == "FAILED", answer
    assert "root:" not in str(answer)


def test_keys_that_point_upwards_stay_inside(place: Place, embedded_aws: Settings, tmp_path) -> None:
    """A key is a name, not a path: whoever reads the table's files for a query writes nowhere on the host."""
    climbed, name = tmp_path / "climbed.csv", unique("climbing")
    for key in (f"{name}/{climbed}", f"{name}/a/{'../' * 12}{climbed}", f"{name}/a'b\"; c=d.csv"):
        boto3.client("s3").put_object(Bucket=place.bucket, Key=key, Body=ROWS)
    create_table(place.database, name, f"s3://{place.bucket}/{name}/")
    answer = place.ask(f"select count(*) from {name}")
    assert list(tmp_path.iterdir()) == []
    assert answer.rows[1:] == [("6",)], answer


def test_a_partition_is_read_from_where_the_catalog_says(place: Place) -> None:
    """Files that no partition names are not read, whatever their folder is called."""
    name, s3, glue = unique("runs"), boto3.client("s3"), boto3.client("glue")
    create_table(place.database, name, f"s3://{place.bucket}/{name}/", partitioned=True)
    storage = glue.get_table(DatabaseName=place.database, Name=name)["Table"]["StorageDescriptor"]
    for run in ("a", "b", "c"):
        s3.put_object(Bucket=place.bucket, Key=f"{name}/run={run}/part.csv", Body=ROWS)
    for run in ("a", "b"):
        partition = {
            "Values": [run],
            "StorageDescriptor": storage | {"Location": f"s3://{place.bucket}/{name}/run={run}"},
        }
        glue.create_partition(DatabaseName=place.database, TableName=name, PartitionInput=partition)
    answer = place.ask(f"select run, count(*) from {name} group by run order by run")
    assert answer.rows[1:] == [("a", "3"), ("b", "3")], answer


def test_a_partition_lies_in_a_bucket_too(place: Place) -> None:
    name, glue = unique("runs"), boto3.client("glue")
    create_table(place.database, name, f"s3://{place.bucket}/{name}/", partitioned=True)
    storage = glue.get_table(DatabaseName=place.database, Name=name)["Table"]["StorageDescriptor"]
    partition = {"Values": ["a"], "StorageDescriptor": storage | {"Location": "/etc/"}}
    glue.create_partition(DatabaseName=place.database, TableName=name, PartitionInput=partition)
    assert place.ask(f"select * from {name}").state == "FAILED"


# Each permission that a query needs, and what is said where it is missing.
def test_a_query_needs_the_callers_permissions_on_the_catalog(place: Place) -> None:
    rest = [*ATHENA, *place.reading(), *place.writing()]
    table = f"arn:aws:glue:us-east-1:{ACCOUNT}:table/{place.database}/sales"
    for rights, lacking in (
        ([], "glue:GetDatabase"),
        ([place.glue("glue:GetDatabase")], "glue:GetTable"),
        ([place.glue("glue:GetDatabase"), statement("glue:GetTable", on=table)], "glue:GetTable"),
    ):
        answer = place.ask("select * from sales", user(*rest, *rights))
        assert answer.state == "FAILED" and f"not authorized to perform: {lacking} on resource" in answer.reason, answer
        assert "Insufficient permissions to execute the query" in answer.reason


def test_a_partitioned_table_needs_its_partitions_too(place: Place) -> None:
    name = unique("runs")
    create_table(place.database, name, f"s3://{place.bucket}/sales/", partitioned=True)
    rest = [*ATHENA, *place.reading(), *place.writing()]
    answer = place.ask(f"select * from {name}", user(*rest, place.glue("glue:GetDatabase", "glue:GetTable")))
    assert answer.state == "FAILED" and "glue:GetPartitions" in answer.reason, answer


def test_a_query_needs_the_callers_permissions_on_the_files(place: Place) -> None:
    rest = [*ATHENA, place.glue(), *place.writing()]
    getting, listing = place.reading()
    for rights in ([], [getting], [listing]):
        answer = place.ask("select * from sales", user(*rest, *rights))
        assert answer.state == "FAILED" and "PERMISSION_DENIED" in answer.reason, answer
        assert f"s3://{place.bucket}/sales" in answer.reason


def test_a_table_of_ones_own_opens_no_file_of_another(place: Place) -> None:
    """A learner's own table over another's folder."""
    s3, mine = boto3.client("s3"), Place(place.bucket, unique("athena"))
    s3.put_object(Bucket=place.bucket, Key="another/secret.csv", Body=ROWS)
    learner = user(*ATHENA, mine.glue("glue:*"), *mine.reading(), *mine.writing())
    learner.client("glue").create_database(DatabaseInput={"Name": mine.database})
    create = f"create external table theirs (item string) location 's3://{place.bucket}/another/'"
    mine.ask(create, learner)
    answer = mine.ask("select * from theirs", learner)
    assert answer.state == "FAILED" and "milk" not in str(answer), answer
    answer = mine.ask(f"select * from {place.database}.sales", learner)
    assert answer.state == "FAILED" and "glue:GetDatabase" in answer.reason, answer


def test_results_are_written_with_the_callers_permissions(place: Place) -> None:
    rest = [*ATHENA, place.glue(), *place.reading()]
    where, writing = place.writing()
    answer = place.ask("select 1", user(*rest, writing))
    assert answer.state == "REFUSED" and "Unable to verify/create output bucket" in answer.reason, answer
    able = user(*rest, where, writing)
    for out in (f"s3://{place.bucket}/elsewhere/", f"s3://{place.bucket}/sales/"):
        answer = place.ask("select 1", able, out=out)
        assert answer.state == "FAILED" and "Access denied when writing output to url" in answer.reason, answer
    assert place.ask("select 1", able, out="s3://no-such-bucket-anywhere/").state == "REFUSED"
    for out in ("/tmp/", "file:///tmp/", "s3:///", "results"):
        assert place.ask("select 1", out=out).state == "REFUSED", out
    keys = [each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket=place.bucket)["Contents"]]
    assert not [key for key in keys if key.startswith("elsewhere/")]
    assert [key for key in keys if key.startswith("sales/")] == ["sales/sales.csv"]


def test_results_lie_where_the_query_says(place: Place, learner: boto3.Session) -> None:
    answer = place.ask("select item from sales where units = 5", learner, out=place.out.rstrip("/"))
    assert answer.location == f"{place.out}{answer.query}.csv"
    body = learner.client("s3").get_object(Bucket=place.bucket, Key=f"results/{answer.query}.csv")["Body"].read()
    assert body == b'"item"\n"bread"\n'


def test_results_are_read_with_the_callers_permissions(place: Place, learner: boto3.Session) -> None:
    query = place.ask("select * from sales", learner).query
    reader = user(statement("athena:GetQueryResults")).client("athena")
    message = refused("InvalidRequestException", reader.get_query_results, "s3:GetObject", QueryExecutionId=query)
    assert f"results/{query}.csv" in message
    boto3.client("s3").delete_object(Bucket=place.bucket, Key=f"results/{query}.csv")
    refused("InvalidRequestException", learner.client("athena").get_query_results, QueryExecutionId=query)


def test_a_work_group_that_is_enforced_decides_where_results_go(place: Place, learner: boto3.Session) -> None:
    group, athena = unique("group"), boto3.client("athena")
    configuration = {
        "EnforceWorkGroupConfiguration": True,
        "ResultConfiguration": {"OutputLocation": f"{place.out}group/"},
    }
    athena.create_work_group(Name=group, Configuration=configuration)
    answer = place.ask("select 1", learner, WorkGroup=group, out=f"s3://{place.bucket}/elsewhere/")
    assert answer.location == f"{place.out}group/{answer.query}.csv"
    assert "is not found" in place.ask("select 1", WorkGroup="no-such-group").reason


def test_files_and_results_under_a_key_need_it_too(place: Place) -> None:
    everybody = statement("kms:*") | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    key = boto3.client("kms").create_key(Policy=policy(everybody))["KeyMetadata"]["Arn"]
    kept, s3 = Place(unique("kept").replace("_", "-"), place.database), boto3.client("s3")
    s3.create_bucket(Bucket=kept.bucket)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    s3.put_bucket_encryption(
        Bucket=kept.bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": default}]},
    )
    s3.put_object(Bucket=kept.bucket, Key="sales/sales.csv", Body=ROWS)
    name = unique("kept")
    create_table(place.database, name, f"s3://{kept.bucket}/sales/")
    rest = [*ATHENA, place.glue(), *kept.reading(), *kept.writing()]
    reading, writing = statement("kms:Decrypt", on=key), statement("kms:GenerateDataKey", on=key)
    answer = kept.ask(f"select * from {name}", user(*rest, writing))
    assert answer.state == "FAILED" and "PERMISSION_DENIED" in answer.reason, answer
    answer = kept.ask(f"select * from {name}", user(*rest, reading))
    assert answer.state == "FAILED" and "Access denied when writing output" in answer.reason, answer
    answer = kept.ask(f"select item from {name}", user(*rest, reading, writing))
    assert len(answer.rows) == 4, answer
    assert s3.head_object(Bucket=kept.bucket, Key=f"results/{answer.query}.csv")["SSEKMSKeyId"] == key


def test_a_table_is_created_and_dropped_with_the_callers_permissions(place: Place) -> None:
    name, rest = unique("made"), [*ATHENA, *place.reading(), *place.writing()]
    create = f"create external table {name} (item string) location 's3://{place.bucket}/sales/'"
    looking = place.glue("glue:GetDatabase", "glue:GetTable")
    unable, able = user(*rest, looking), user(*rest, looking, place.glue("glue:CreateTable"))
    answer = place.ask(create, unable)
    assert answer.state == "FAILED" and "glue:CreateTable" in answer.reason, answer
    assert place.ask(create, able).state == "SUCCEEDED"
    assert place.ask(f"select count(*) from {name}", able).state == "SUCCEEDED"
    answer = place.ask(f"drop table {name}", able)
    assert answer.state == "FAILED" and "glue:DeleteTable" in answer.reason, answer
    assert place.ask(f"drop table {name}", user(*rest, looking, place.glue("glue:DeleteTable"))).state == "SUCCEEDED"
    local = create.replace(f"s3://{place.bucket}/sales/", "/etc/")
    assert place.ask(local).state in ("FAILED", "REFUSED")


def test_the_catalog_is_shown_to_those_who_may_look(place: Place, learner: boto3.Session) -> None:
    blind = user(*ATHENA).client("athena")
    catalog = {"CatalogName": "AwsDataCatalog", "DatabaseName": place.database}
    for call, params in (
        (blind.get_database, catalog),
        (blind.list_databases, {"CatalogName": "AwsDataCatalog"}),
        (blind.get_table_metadata, catalog | {"TableName": "sales"}),
        (blind.list_table_metadata, catalog),
    ):
        with pytest.raises(ClientError, match="glue:Get"):
            call(**params)
    seeing = learner.client("athena")
    found = seeing.get_table_metadata(**catalog, TableName="sales")["TableMetadata"]
    assert [each["Name"] for each in found["Columns"]] == [name for name, _ in COLUMNS]
    with pytest.raises(ClientError, match="MetadataException"):
        seeing.get_table_metadata(**catalog, TableName="nothing")


@pytest.mark.parametrize("sql", [
    "with recursive t(x, s) as (select 1, 'x' union all select x + 1, s || s from t where x < 40) "
    "select max(length(s)) from t",
    numbers(30_000, "array_agg(rpad('', 200000, 'x'))"),
    f"with a as ({numbers(3_000, 'x')}) select a.x, b.x, c.x, rpad('', 1000, 'x') from a, a b, a c order by 4, 3, 2",
])  # fmt: skip
def test_a_query_that_takes_too_much_fails_alone(place: Place, learner: boto3.Session, sql: str) -> None:
    answer = place.ask(sql, learner)
    assert answer.state == "FAILED" and "exhausted resources" in answer.reason, answer
    assert place.ask("select 1", learner).state == "SUCCEEDED"


def test_a_query_that_is_stopped_ends(place: Place, learner: boto3.Session) -> None:
    athena = learner.client("athena")
    endless = "with recursive t(n) as (select 1 union all select n + 1 from t where n > 0) select count(*) from t"
    query = athena.start_query_execution(
        QueryString=endless, ResultConfiguration={"OutputLocation": place.out}
    )["QueryExecutionId"]  # fmt: skip
    athena.stop_query_execution(QueryExecutionId=query)
    status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
    assert status["State"] == "CANCELLED"
    time.sleep(0.5)
    assert athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"] == "CANCELLED"
    assert place.ask("select 1", learner).state == "SUCCEEDED"


def test_no_more_queries_run_than_the_service_takes(place: Place, learner: boto3.Session) -> None:
    endless = "with recursive t(n) as (select 1 union all select n + 1 from t where n > 0) select count(*) from t"

    def start(_: int) -> str:
        athena = learner.client("athena", config=Config(retries={"total_max_attempts": 1}))
        try:
            configuration = {"OutputLocation": place.out}
            return athena.start_query_execution(QueryString=endless, ResultConfiguration=configuration)[
                "QueryExecutionId"
            ]
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(25) as pool:
        started = list(pool.map(start, range(25)))
    assert started.count("TooManyRequestsException") == 5, started
    for query in started:
        if query != "TooManyRequestsException":
            learner.client("athena").stop_query_execution(QueryExecutionId=query)
    assert place.ask("select 1", learner).state == "SUCCEEDED"
