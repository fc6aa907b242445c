"""pytest.ini_options names the folders of tests in the order in which they are to begin."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_folder_of_tests_is_left_out():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    found = {f"tests/{path.relative_to(ROOT / 'tests').parts[0]}" for path in ROOT.glob("tests/**/test_*.py")}
    assert sorted(options["testpaths"]) == sorted(found)
