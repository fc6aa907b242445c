"""Runs the notebooks as a learner would: in the order of their numbers, each from the top in its own kernel."""

import base64
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from workshop.learner import Learner

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
CELL_SECONDS, KERNEL_SECONDS = 900, 120
LABS = ("forecasting", "recommending")


class NotebookFailed(Exception):
    """A cell that raised; the message names the notebook, the cell and the error."""


def deliver(folder: Path, learner: Learner) -> None:
    """A fresh copy of notebooks/ in `folder`, with storecast.env, as the notebook instance gets it."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"))
    lines = [f"{key}={value}\n" for key, value in learner.settings.items()]
    (folder / "storecast.env").write_text("".join(lines))


def run(folder: Path, learner: Learner, *, twice: bool = False) -> None:
    """Runs what `deliver` wrote and leaves the outputs in it: first 0.1, then the two labs side by side.

    With `twice` each code cell runs two times in a row. Raises NotebookFailed.
    """
    run_all(sorted(folder.glob("*.ipynb")), learner, twice=twice)
    with ThreadPoolExecutor(len(LABS)) as pool:
        labs = [pool.submit(run_all, sorted((folder / lab).glob("*.ipynb")), learner, twice=twice) for lab in LABS]
        for lab in labs:
            lab.result()


def run_all(paths: Iterable[Path], learner: Learner, *, twice: bool = False) -> None:
    for path in paths:
        run_notebook(path, learner, twice=twice)


def run_notebook(path: Path, learner: Learner, *, twice: bool = False) -> None:
    """One notebook in a new kernel with the learner's credentials; its outputs are written also when a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    if twice:
        notebook.cells = [again for cell in notebook.cells for again in _doubled(cell)]
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        startup_timeout=KERNEL_SECONDS,
        extra_arguments=[
            "--log-level=ERROR"
        ],  # a kernel warns of its sockets, which are on loopback and live for seconds
    )
    # The kernel's own backend writes pictures into the notebook; another one would show none.
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    try:
        client.execute(env=environment | learner.credentials)
    except CellExecutionError as error:
        raise NotebookFailed(f"{path.parent.name}/{path.name}: {error}") from None
    finally:
        nbformat.write(notebook, path)


def _doubled(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    if cell.cell_type != "code":
        return [cell]
    second = deepcopy(cell)
    second.id = f"{cell.id}-again"
    return [cell, second]


def pictures(folder: Path) -> list[Path]:
    """Writes each picture in the outputs as a PNG file into folder/pictures and returns the files."""
    (folder / "pictures").mkdir(exist_ok=True)
    written = []
    for path in sorted(folder.rglob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                if png := output.get("data", {}).get("image/png"):
                    file = folder / "pictures" / f"{path.parent.name}-{path.stem}-{cell.id.rsplit('-', 1)[-1]}.png"
                    file.write_bytes(base64.b64decode(png))
                    written.append(file)
    return written
