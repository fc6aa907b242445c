"""The floors of the embedded AWS: no import goes up, and the API imports no slow part of the engines."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = {"localaws": ROOT, "storecast_engines": ROOT / "engines"}
MODULES = {
    ".".join(path.relative_to(parent).with_suffix("").parts).removesuffix(".__init__"): path
    for package, parent in FOLDERS.items()
    for path in (parent / package).rglob("*.py")
}
# From the bottom: a module may import those of its own line and of the lines before it.
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


def imports(path: Path) -> Iterator[str]:
    """The modules of ours that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = [f"{node.module}.{each.name}" for each in node.names]
        else:
            continue
        yield from (each if each in MODULES else each.rpartition(".")[0] for each in named)


def floor(module: str) -> int | None:
    for at, names in enumerate(FLOORS):
        if any(module == each or module.startswith(f"{each}.") for each in names):
            return at
    return None


def test_no_arrow_goes_up() -> None:
    up = [
        f"{name} imports {each}"
        for name, path in MODULES.items()
        for each in imports(path)
        if (here := floor(name)) is not None and (there := floor(each)) is not None and there > here
    ]
    assert not up


@pytest.mark.parametrize("service", ["forecast", "personalize"])
def test_within_a_service_jobs_are_below_the_api_and_the_rest_below_both(service: str) -> None:
    package = f"localaws.services.{service}."
    up = [
        f"{name} imports {each}"
        for name, path in MODULES.items()
        if name.startswith(package) and name != f"{package}service"
        for each in imports(path)
        for above in ("api", "jobs")
        if each.startswith(f"{package}{above}.") and not name.startswith((f"{package}api.", f"{package}{above}."))
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
