"""What is read from disk or from a file of somebody's cannot run code: no pickle, in any of its disguises."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [path for room in ("localaws", "engines", "lambdas", "infra", "demo", "data", "benchmarks", "workshop",
                         "notebooks")
           for path in (ROOT / room).rglob("*.py")]  # fmt: skip
MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
CALLS = {"read_pickle", "to_pickle"}


def faults(tree: ast.AST) -> list[str]:
    """The imports and calls that read or write pickle; numpy reads it unless it is told not to, torch if told so."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names if each.name.partition(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            found.append(node.module)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of, name = ast.unparse(node.func.value), node.func.attr
            given = {each.arg: ast.unparse(each.value) for each in node.keywords}
            if (
                name in CALLS
                or ((of, name) == ("np", "load") and given.get("allow_pickle") != "False")
                or ((of, name) == ("torch", "load") and given.get("weights_only") != "True")
                or ((of, name) == ("yaml", "load"))
            ):
                found.append(f"{of}.{name}")
    return found


def test_nothing_reads_pickle() -> None:
    assert len(SOURCES) > 150
    assert {str(path): bad for path in SOURCES if (bad := faults(ast.parse(path.read_text())))} == {}


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from joblib import load", "pd.read_pickle(p)", "np.load(p)", "torch.load(p)", "yaml.load(p)"],
)
def test_each_disguise_is_seen(code: str) -> None:
    assert len(faults(ast.parse(code))) == 1
