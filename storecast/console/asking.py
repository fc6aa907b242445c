"""What the pages ask of AWS: answers of `storecast.client`, kept for a while, and its problems shown as a page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import streamlit as st
from botocore.exceptions import BotoCoreError, ClientError

from storecast import connection
from storecast.client import datasets
from storecast.client.aws import Aws, NotThere, Problem, explained
from storecast.client.model import Dataset
from storecast.console.serve import first_dataset

_P = ParamSpec("_P")
_T = TypeVar("_T")
_SECONDS = 30  # that an answer is kept


@st.cache_resource(show_spinner=False)
def aws() -> Aws:
    return connection.connect()


@st.cache_data(ttl=_SECONDS, show_spinner=False)
def deployed() -> list[Dataset]:
    """The datasets with a pipeline. Raises NotThere where there is none."""
    found = [each for each in datasets.listed(aws()) if each.pipelines]
    if not found:
        raise NotThere(
            f"Nothing is deployed in {aws().where}",
            "run `make demo` for the embedded AWS or `make deploy DATASET=name` for your account, or start the console "
            "with another `--profile` or `--region`",
        )
    return found


def dataset() -> Dataset:
    """The one that is chosen in the sidebar."""
    known = {each.name: each for each in deployed()}
    first = (first_dataset() or "").replace("_", "-")
    return known.get(st.session_state.get("dataset", first)) or next(iter(known.values()))


def ask(function: Callable[Concatenate[Aws, Dataset, _P], _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """What the client answers for the chosen dataset, not older than half a minute."""
    call = functools.partial(function, aws(), dataset(), *arguments, **named)
    asked = f"{function.__module__}.{function.__qualname__}"
    answer: _T = _kept(dataset().name, asked, arguments, tuple(sorted(named.items())), call)
    return answer


@st.cache_data(ttl=_SECONDS, max_entries=500, show_spinner="Asking AWS ...")
def _kept(dataset_: str, asked: str, arguments: Any, named: Any, _call: Callable[[], Any]) -> Any:
    return _call()


def forget() -> None:
    """Ask again: something was changed, or a person wants to see what is there now."""
    deployed.clear()
    _kept.clear()


def guarded(page: Callable[[], None]) -> Callable[[], None]:
    """A page that shows a problem of AWS or of what is deployed instead of a traceback."""

    @functools.wraps(page)
    def shown() -> None:
        try:
            page()
        except Problem as problem:
            trouble(problem)
        except (BotoCoreError, ClientError) as error:
            trouble(explained(error))

    return shown


def trouble(problem: Problem) -> None:
    next_step = f"\n\n**Next:** {problem.next_step}." if problem.next_step else ""
    what = problem.what[0].upper() + problem.what[1:]
    (st.info if isinstance(problem, NotThere) else st.error)(f"{what}.{next_step}")
