"""The notebooks as they lie in git: no outputs, nothing about where they run, in numbered order, links that hold."""

import re
from pathlib import Path

import nbformat
import pytest

from workshop.execute import LABS, NOTEBOOKS

PATHS = sorted(NOTEBOOKS.rglob("*.ipynb"))
NUMBERS = {
    "": ["0.1"],
    "forecasting": ["1.1", "1.2", "2.1", "3.1", "4.1", "4.2", "4.3", "5.1", "9.1"],
    "recommending": ["1.1", "1.2", "2.1", "3.1", "4.1", "4.2", "5.1", "9.1"],
}
PLACES = re.compile(
    r"endpoint|localhost|127\.0\.0\.1|\bport\b|http://|verify=|ministack|aws_(access|secret)", re.IGNORECASE
)


def name(path: Path) -> str:
    return str(path.relative_to(NOTEBOOKS))


def cells(path: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(path, as_version=4).cells


def test_every_number_is_there_once():
    folders = {"": NOTEBOOKS, **{lab: NOTEBOOKS / lab for lab in LABS}}
    found = {lab: [path.name.partition("_")[0] for path in sorted(at.glob("*.ipynb"))] for lab, at in folders.items()}
    assert found == NUMBERS


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_there_are_no_outputs(path: Path):
    nbformat.validate(nbformat.read(path, as_version=4))
    for cell in cells(path):
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), cell.id


@pytest.mark.parametrize("path", [*PATHS, *NOTEBOOKS.glob("*.py")], ids=name)
def test_nothing_says_where_it_runs(path: Path):
    assert not PLACES.findall(path.read_text())


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_the_title_is_the_number_and_every_code_cell_is_explained(path: Path):
    found = cells(path)
    assert found[0].source.startswith(f"# {path.name.partition('_')[0]} ")
    explained = [before.cell_type == "markdown" for before, cell in zip(found, found[1:]) if cell.cell_type == "code"]
    assert all(explained)


@pytest.mark.parametrize("path", PATHS, ids=name)
def test_the_notebooks_that_it_names_exist(path: Path):
    text = "\n".join(cell.source for cell in cells(path))
    named = set(re.findall(r"(?:made_in=\"|`)((?:\w+/)?\d\.\d_\w+)", text))
    missing = [each for each in named if not (path.parent / f"{each}.ipynb").exists()]
    assert not missing
