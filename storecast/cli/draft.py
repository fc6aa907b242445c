"""`storecast init`: a pipeline.yaml from what files look like. What was guessed is said, in the file and beside it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from storecast.cli import sniff
from storecast.cli.sniff import Sample
from storecast.client.aws import Problem

SCHEMA_LINE = "# yaml-language-server: $schema=../pipeline.schema.json"
_HORIZONS = {"Y": 2, "M": 6, "W": 8, "D": 14, "H": 24, "n": 24}  # by the last letter of the frequency


@dataclass
class Draft:
    """A pipeline.yaml, and in words what in it is a guess or what a file needs before it can be uploaded."""

    name: str
    sections: list[str] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(
            [
                SCHEMA_LINE,
                f"# By storecast init: read it, change it; storecast check {self.name} says what is wrong.",
                f"dataset: {self.name}",
                "purpose: production   # workshop: make destroy deletes the buckets, too",
                *self.sections,
            ]
        )


def draft(name: str, files: Sequence[Path], kind: str | None, horizon: int | None) -> Draft:
    """Raises Problem for a name that is not allowed, and for a file whose kind is not clear."""
    name = name.replace("_", "-").lower()
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,19}", name):
        raise Problem(f"{name!r}: not a name for a dataset", "use 2 to 20 of a-z, 0-9 and -, a letter first")
    if kind and kind not in sniff.KINDS:
        raise Problem(f"{kind!r}: no kind of dataset", f"say one of {', '.join(sniff.KINDS)}")
    made = Draft(name)
    by_kind: dict[str, Sample] = {}
    for path in _each(files):
        found = sniff.sample(path)
        of = sniff.kind_of(found, kind)
        if of in by_kind:
            made.guesses.append(f"{path}: {of}, like {by_kind[of].path}, which says the columns")
        else:
            by_kind[of] = found
            made.guesses.append(f"{path}: {of}")
        if not found.has_header:
            made.guesses.append("  it has no header: its columns are called by their places; rename them as you like")
    if not files:
        made.guesses.append("no files: an example to change")
    if not by_kind or "target" in by_kind:
        made.sections.append("\n".join(_forecasting(made, by_kind, horizon)))
    if "interactions" in by_kind:
        made.sections.append("\n".join(_recommending(made, by_kind)))
    if not made.sections:
        raise Problem(
            f"neither a target (item, time, demand) nor interactions (user, item, time) among {', '.join(by_kind)}",
            "name the file of what is to be forecast, or of the events to recommend from",
        )
    if by_kind and "target" not in by_kind and {"related", "metadata"} & set(by_kind):
        made.guesses.append("related and metadata files are left out: there is no target to forecast")
    return made


def save(made: Draft, data: Path, force: bool) -> Path:
    """Write it into the folder of data/, if it is valid. Raises Problem."""
    from infra.config import ConfigError, load

    path = data / made.name.replace("-", "_") / "pipeline.yaml"
    if path.exists() and not force:
        raise Problem(f"{path} exists", "choose another name, or say --force to replace it")
    with tempfile.TemporaryDirectory() as folder:
        tried = Path(folder) / "pipeline.yaml"
        tried.write_text(made.text, encoding="utf-8")
        try:
            load(tried)
        except ConfigError as error:
            problems = str(error).partition("\n")[2] or str(error)
            raise Problem(
                f"no valid pipeline.yaml follows from these files:\n{problems}",
                "change the files, or name fewer of them and write the rest by hand",
            ) from None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(made.text, encoding="utf-8")
    return path


def _each(files: Sequence[Path]) -> Iterator[Path]:
    for each in files:
        yield from sorted(each.rglob("*.csv*")) if each.is_dir() else [each]


def _forecasting(made: Draft, by_kind: dict[str, Sample], horizon: int | None) -> Iterator[str]:
    from infra.config.forecast import FORECAST_DOMAINS

    target = by_kind.get("target")
    domain, frequency, written = "RETAIL", "D", "yyyy-MM-dd"
    item, value = FORECAST_DOMAINS[domain]
    columns: dict[str, str] = {item: "string", "timestamp": "timestamp", value: "float"}
    dimensions: list[str] = []
    steps, gaps = 0, True
    if target:
        lower = {name.lower() for name in target.columns}
        domain = next((each for each, names in FORECAST_DOMAINS.items() if lower >= set(names)), domain)
        item, value = FORECAST_DOMAINS[domain]
        roles = _roles(target, item, value)
        columns, dimensions = _target_columns(made, target, roles, value)
        time = next(column for column, role in roles.items() if role == "timestamp")
        known = next(column for column, role in roles.items() if role == item)
        written = _written(made, target, time) or written
        frequency = _frequency(target, time, written)
        steps, gaps = sniff.longest(target, known, time), sniff.has_gaps(target, known, time)
        made.guesses.append(f"  frequency {frequency} and timestamp_format {written}, from its column {time}")
        if target.has_header:
            _rename(made, target, roles)
    ahead = horizon or _horizon(frequency, steps)
    yield "forecasting:"
    yield "  engine: storecast   # our models on AWS Glue, in any account; amazon-forecast: in accounts that have it"
    yield f"  domain: {domain}   # the item is called {item}, what is forecast {value}"
    yield f"  frequency: {frequency}   # time between steps: Y, M, W, D, H, 15min, ..."
    yield f"  horizon: {ahead}   # time steps to forecast, at most a third of the history"
    yield f"  timestamp_format: {written}"
    if dimensions:
        yield f"  dimensions: [{', '.join(dimensions)}]   # a series of each; summed_over adds them up instead"
    yield "  datasets:"
    yield f"    target: {_mapping(columns)}"
    if (related := by_kind.get("related")) and (found := _related_columns(made, related, item, dimensions)):
        yield "    # Known ahead for the whole horizon, such as prices."
        yield f"    related: {_mapping(found)}"
    if metadata := by_kind.get("metadata"):
        yield f"    metadata: {_mapping(_metadata_columns(metadata, item))}"
    if gaps:
        yield f"  filling: {{{value}: {{middlefill: zero, backfill: zero}}}}   # no row is no demand; nan: not known"
    yield '  quantiles: ["0.1", "0.5", "0.9"]'
    yield "  forecasts:"
    yield '    planning: ["0.1", "0.5", "0.9", "mean"]   # the kinds of forecast that are exported'
    yield ""


def _roles(found: Sample, item: str, value: str) -> dict[str, str]:
    """What each column of a target is for: by its name, or else by what it holds."""
    time = sniff.time_of(found)
    if time is None:
        raise Problem(f"{found.path}: no column of times among {', '.join(found.columns)}", "add one: yyyy-MM-dd")
    numbers = [column for column in found.numbers() if column != time]
    amount = found.find((value, *sniff.VALUE)) or (numbers[-1] if numbers else None)
    others = [column for column in found.columns if column not in (time, amount)]
    named = found.find((item, *sniff.ITEM)) or next(iter(others), None)
    if amount is None or named is None:
        raise Problem(
            f"{found.path}: a target needs an item, a time and a number; found {', '.join(found.columns)}",
            "name the file of what is to be forecast, or say its --kind",
        )
    return {time: "timestamp", amount: value, named: item}


def _target_columns(made: Draft, found: Sample, roles: dict[str, str], value: str) -> tuple[dict[str, str], list[str]]:
    """The columns as the config has them, and the dimensions."""
    columns: dict[str, str] = {}
    dimensions: list[str] = []
    types = {"timestamp": "timestamp", value: "float"}
    for at, column in enumerate(found.columns, 1):
        role = roles.get(column)
        if role:
            columns[role] = types.get(role, "string")
        elif found.has_header and column in found.numbers():
            made.guesses.append(
                f"  column {column} holds numbers beside the target: it is left out, and the file needs to be without "
                "it; as known ahead, put it with item and time into a file related/..."
            )
        else:
            name = column if found.has_header else f"dimension_{at}"
            columns[name] = "string"
            dimensions.append(name)
            made.guesses.append(f"  column {name} is a dimension: a series for each of its values")
    return columns, dimensions


def _rename(made: Draft, found: Sample, roles: dict[str, str]) -> None:
    """Say how a header has to be written, where it is not."""
    wanted = [roles.get(column, column) for column in found.columns]
    if [each.lower() for each in wanted] != [each.lower() for each in found.columns]:
        made.guesses.append(
            f"  its header must name the columns as pipeline.yaml does: sed -i '1s/.*/{','.join(wanted)}/' {found.path}"
        )


def _written(made: Draft, found: Sample, time: str) -> str | None:
    values = found.values(time)
    written = sniff.timestamp_format(values)
    if written is None:
        made.guesses.append(
            f"  column {time}: {values[0]!r} is not of an allowed form: write yyyy-MM-dd or yyyy-MM-dd HH:mm:ss"
        )
    return written


def _frequency(found: Sample, time: str, written: str) -> str:
    moments = []
    for value in set(found.values(time)):
        try:
            moments.append(datetime.strptime(value, sniff.FORMATS[written]))
        except ValueError:
            return "D"
    return sniff.frequency(moments)


def _horizon(frequency: str, steps: int) -> int:
    usual = _HORIZONS[frequency[-1]]
    return max(1, min(usual, steps // 4)) if steps else usual


def _related_columns(made: Draft, found: Sample, item: str, dimensions: list[str]) -> dict[str, str]:
    time, named = sniff.time_of(found), found.find((item, *sniff.ITEM)) or found.columns[0]
    numbers = found.numbers()
    columns: dict[str, str] = {}
    for column in found.columns:
        if column == time:
            columns["timestamp"] = "timestamp"
        elif column == named:
            columns[item] = "string"
        elif column in dimensions:
            columns[column] = "string"
        elif column in numbers:
            columns[column] = "float"
        else:
            made.guesses.append(f"  {found.path}: column {column} is text, but related series are numbers: remove it")
    if not any(kind == "float" for kind in columns.values()):
        made.guesses.append(f"  {found.path}: left out, as it has no column of numbers to learn from")
        return {}
    return columns


def _metadata_columns(found: Sample, item: str) -> dict[str, str]:
    named = found.find((item, *sniff.ITEM)) or found.columns[0]
    columns = {}
    for column in found.columns:
        columns[item if column == named else column] = "string"
    return columns


def _recommending(made: Draft, by_kind: dict[str, Sample]) -> Iterator[str]:
    interactions, items = by_kind["interactions"], by_kind.get("items")
    columns = {name.upper(): name for name in interactions.columns}
    events = set(interactions.values(columns["EVENT_TYPE"])) if "EVENT_TYPE" in columns else set()
    domain = _domain(events, {name.upper() for name in items.columns} if items else None)
    made.guesses.append(
        f"  domain {domain} for recommending" + (f"; events: {', '.join(sorted(events))}" if events else "")
    )
    yield "recommending:"
    yield f"  domain: {domain}   # ECOMMERCE, VIDEO_ON_DEMAND, or CUSTOM with solutions of your own"
    yield "  datasets:"
    name_column = ""
    for kind in ("interactions", "items", "users"):
        if found := by_kind.get(kind):
            if not found.has_header:
                raise Problem(f"{found.path} has no header", f"write one: {', '.join(_needed(domain, kind))}, ...")
            if kind == "items":
                name_column = next((name for name in found.columns if re.search("NAME|TITLE", name.upper())), "")
            yield f"    {kind}:"
            yield from (f"      {line}" for line in _own_columns(made, found, domain, kind, name_column))
    if domain == "CUSTOM":
        yield "  solutions:   # each is trained and answers by a campaign, which costs by the hour"
        yield "    personal: {recipe: aws-user-personalization}"
    else:
        yield "  # A recommender each, which costs by the hour while it is on."
        yield f"  use_cases: [{', '.join(_use_cases(domain, events))}]"
    yield "  publish:"
    yield "    head_items: 20     # lists of the most popular items, in the report"
    yield "    sample_users: 10   # and of some users"
    if name_column:
        made.guesses.append(f"  names of items are in column {name_column}")
        yield f"    name_column: {name_column}"
    yield ""


def _domain(events: set[str], items: set[str] | None) -> str:
    if not events:
        return "CUSTOM"
    if items is not None and "GENRES" in items and "CREATION_TIMESTAMP" in items:
        return "VIDEO_ON_DEMAND"
    return "ECOMMERCE" if items is None or {"PRICE", "CATEGORY_L1"} <= items else "CUSTOM"


def _needed(domain: str, kind: str) -> list[str]:
    from recommending.domains import DOMAINS

    return list(DOMAINS[domain].required[kind])


def _own_columns(made: Draft, found: Sample, domain: str, kind: str, name_column: str) -> Iterator[str]:
    """A line for each column; those that the domain knows are as it wants them."""
    from recommending.domains import DOMAINS
    from recommending.schema import inferred, of_domain

    for column in found.columns:
        if column == name_column:
            continue  # for people, nothing to learn from
        spelled = next((each for each in DOMAINS[domain].fields(kind) if each.lower() == column.lower()), column)
        known: Any = of_domain(DOMAINS[domain], kind, spelled) or inferred(found.values(column))
        marks = [mark for mark in ("categorical", "textual", "nullable") if known[mark]]
        if marks:
            yield f"{spelled}: {{type: {known['type']}, {', '.join(f'{mark}: true' for mark in marks)}}}"
        else:
            yield f"{spelled}: {known['type']}"
    missing = [each for each in _needed(domain, kind) if each.lower() not in {name.lower() for name in found.columns}]
    if missing:
        made.guesses.append(f"  {found.path}: {domain} needs the column {', '.join(missing)}: add or rename it")


def _use_cases(domain: str, events: set[str]) -> list[str]:
    """Those that the events are enough for: Personalize counts events called View, Purchase and Watch."""
    if domain == "VIDEO_ON_DEMAND":
        return ["most-popular", "top-picks-for-you", "more-like-this"]
    views = ["most-viewed", "also-viewed"] if "View" in events else []
    purchases = ["best-sellers", "frequently-bought-together"] if "Purchase" in events else []
    return [*views, *purchases, "recommended-for-you"]


def _mapping(columns: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {kind}" for name, kind in columns.items()) + "}"
