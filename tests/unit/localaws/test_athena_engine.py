"""The engine behind Athena, asked without any check of the SQL before it: what it is given is all that it reads."""

from pathlib import Path

import duckdb
import pytest

from localaws.services.athena import engine

SECRET = "the-root-key"


@pytest.fixture
def plan(tmp_path: Path) -> engine.Plan:
    """A table of one file, beside a file that is none of the query's business."""
    (tmp_path / "query").mkdir()
    table = tmp_path / "query" / "000000"
    table.write_text("a\n1\n2\n")
    (tmp_path / "secret.txt").write_text(SECRET)
    view = f"SELECT * FROM read_csv(['{table}'], header = true)"
    return engine.Plan(
        folder=str(tmp_path / "query"),
        hidden=str(tmp_path),
        database="db",
        databases=["db", 'odd"name'],
        views=[("db", "t", view), ('odd"name', "it's", view)],
        files=[str(table)],
        sources={},
    )


def result(plan: engine.Plan) -> str:
    return (Path(plan["folder"]) / engine.RESULT).read_text()


def test_tables_are_found_by_every_name(plan: engine.Plan) -> None:
    sql = 'select t.a, db.t.a, u.a from t join "awsdatacatalog"."odd""name"."it\'s" u on t.a = u.a order by 1'
    assert [name for name, _ in engine.run(sql, plan)] == ["a", "a", "a"]
    assert result(plan) == '"a","a","a"\n"1","1","1"\n"2","2","2"\n'


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_text('{folder}/secret.txt')",
        "select * from read_csv('{folder}/secret.txt')",
        "select * from '{folder}/secret.txt'",
        "select * from read_text('{folder}/query/../secret.txt')",
        "select * from glob('{folder}/*')",
        "select * from read_text('/proc/self/environ')",
        "copy (select 1) to '{folder}/written'",
        "copy t to '{folder}/query/written'",
        "attach '{folder}/written' as other",
        "export database '{folder}/written'",
        "install httpfs",
        "load httpfs",
        "load '{folder}/secret.txt'",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "reset allowed_paths",
        "set lock_configuration = false",
        "set memory_limit = '100GB'",
        "pragma memory_limit = '100GB'",
        "set temp_directory = '{folder}/written'",
        "create secret (type s3, key_id 'a', secret 'b')",
        "select * from query('select * from read_text(''{folder}/secret.txt'')')",
        "select getenv('HOME')",
        "select * from plan",
    ],
)
def test_the_engine_itself_keeps_to_its_files(plan: engine.Plan, statement: str) -> None:
    folder = Path(plan["hidden"])
    with pytest.raises(duckdb.Error):
        engine.run(statement.format(folder=folder), plan)
    assert not list(folder.rglob("written"))
    written = Path(plan["folder"]) / engine.RESULT
    assert not written.exists() or SECRET not in written.read_text()


def test_values_are_written_as_athena_writes_them(plan: engine.Plan) -> None:
    sql = """select 'a "b", c' as text, null as nothing, '' as empty, true as yes, 1.5 as number,
        timestamp '2026-01-02 03:04:05' as moment, date '2026-01-02' as day, array[1, null] as list,
        row(1, 'x') as pair, 1 / 2 as whole, 'two
lines' as lines"""
    engine.run(sql, plan)
    (header, values) = engine.rows(result(plan))
    assert dict(zip(header, values, strict=True)) == {
        "text": 'a "b", c',
        "nothing": None,
        "empty": "",
        "yes": "true",
        "number": "1.5",
        "moment": "2026-01-02 03:04:05.000",
        "day": "2026-01-02",
        "list": "[1, null]",
        "pair": "[1, x]",
        "whole": "0",
        "lines": "two\nlines",
    }


def test_a_table_whose_definition_is_sql_changes_nothing(plan: engine.Plan) -> None:
    """Names and properties of Glue's tables are a learner's to choose."""
    for attempt in ("set enable_external_access = true", "set memory_limit = '100GB'", "set allowed_paths = ['/']"):
        plan["views"] = [("db", "t", f"select 1; {attempt}; select 2")]
        with pytest.raises(duckdb.Error):
            engine.run("select * from t", plan)
