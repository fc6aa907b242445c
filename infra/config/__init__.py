"""The typed config of one dataset: `data/<dataset>/pipeline.yaml`, checked before anything is built from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from infra.config.base import Strict, matching
from infra.config.forecasting import Forecasting
from infra.config.recommending import Recommending
from infra.config.workshop import Workshop


class ConfigError(ValueError):
    """A pipeline.yaml that cannot be used; the text lists every problem, one per line."""


_Owner = Annotated[str, matching(r"[\w .:/=+@-]{1,256}", "1 to 256 letters, digits, spaces and . : / = + @ - _")]
_Policy = Annotated[
    str,
    matching(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/\S+", "the ARN of a policy, arn:aws:iam::ACCOUNT:policy/NAME"),
]


class Budget(Strict):
    """What a dataset may cost in a month."""

    monthly_usd: float = Field(gt=0)
    """The topic is notified when spend reaches 80% of it, and when the month is forecast to exceed it. Counts whatever
    carries the tag `dataset`: activate it as a cost allocation tag in the billing console."""


class Pipeline(Strict):
    """One dataset's pipelines."""

    dataset: Annotated[str, matching(r"[a-z][a-z0-9-]{1,19}", "2 to 20 of a-z, 0-9 and -, a letter first")]
    """The name of the dataset, which stacks and resources carry. The folder under `data/` has the same name, with `_`
    for `-`."""
    purpose: Literal["production", "workshop"] = "production"
    """With `workshop`, `make destroy` also empties and deletes the buckets; with `production` they stay. A deploy that
    changes it deletes nothing."""
    owner: _Owner | None = None
    """A tag, beside `project` and `dataset`, on every resource that a deploy or a run creates."""
    customer_managed_key: bool = False
    """One KMS key, rotated yearly, for buckets, topic, queue, lock, logs, functions, Athena's results, notebooks'
    disks, and what Forecast and Personalize store. Decide before the first deploy: it cannot be changed afterwards."""
    permissions_boundary: _Policy | None = None
    """The ARN of a policy that bounds every role of the app."""
    stale_after_days: int = Field(default=35, ge=1, le=400)
    """Days without an upload until an alarm."""
    budget: Budget | None = None
    """A monthly limit that notifies the topic."""
    settle_seconds: int = Field(default=60, ge=0, le=86_400)
    """How long a run waits for further uploads before it reads the files."""
    forecasting: Forecasting | None = None
    """The forecasting pipeline. Without this section, forecasting is not deployed."""
    recommending: Recommending | None = None
    """The recommending pipeline. Without this section, recommending is not deployed. One of the two sections is
    needed."""
    workshop: Workshop = Workshop()
    """The notebook instances of `make workshop` and `make deploy-workshop`."""

    @property
    def tags(self) -> dict[str, str]:
        """Of every resource that can have tags."""
        return {"project": "storecast", "dataset": self.dataset, **({"owner": self.owner} if self.owner else {})}

    @property
    def identifier(self) -> str:
        """The dataset's name where AWS allows no dash: in Forecast names, Glue names, the data folder."""
        return self.dataset.replace("-", "_")


class _TwiceError(ValueError):
    """A key that one mapping has twice."""


class _Loader(yaml.SafeLoader):
    """PyYAML lets the last of two equal keys win, YAML 1.2 forbids them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key, _ in node.value:
            name, line = self.construct_object(key, deep=True), key.start_mark.line + 1
            if name in seen:
                raise _TwiceError(
                    f"line {line}: {name} is there twice, first in line {seen[name]}; keep one of the two"
                )
            seen[name] = line
        return super().construct_mapping(node, deep)


def load(path: Path, learners: str | None = None, engine: str | None = None) -> Pipeline:
    """The checked config in the file `path`; `learners` and `engine` override what its sections say.

    Raises ConfigError with every problem found: key, value, and what is allowed.
    """
    try:
        raw = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError:
        known = ", ".join(sorted(p.parent.name for p in path.parent.parent.glob("*/pipeline.yaml"))) or "none"
        raise ConfigError(f"{path}: no such file; datasets with a pipeline.yaml: {known}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    except _TwiceError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected keys and values at the top, found {type(raw).__name__}")
    if not (raw.get("forecasting") or raw.get("recommending")):
        raise ConfigError(f"{path}: neither forecasting nor recommending is there: at least one is needed")
    if learners is not None:
        raw["workshop"] = (raw.get("workshop") or {}) | {"learners": learners}
    if engine is not None and isinstance(raw.get("forecasting"), dict):
        raw["forecasting"]["engine"] = engine
    try:
        return Pipeline.model_validate(raw)
    except ValidationError as error:
        lines = [line for problem in error.errors() for line in _in_words(problem)]
        raise ConfigError(f"{path}: {len(lines)} problem(s)\n" + "\n".join(f"  {line}" for line in lines)) from None


def of_dataset(root: Path, dataset: str, learners: str | None = None, engine: str | None = None) -> Pipeline:
    """The checked config in the folder of the dataset under `root`, data/; the folder has _ for the - of the name.

    Raises ConfigError also if the config names another dataset: a copied folder would deploy over the one it is from.
    """
    path = root / dataset.replace("-", "_") / "pipeline.yaml"
    config = load(path, learners, engine)
    if config.identifier != path.parent.name:
        raise ConfigError(
            f"{path}: dataset = {config.dataset!r} is not the folder's name; allowed: "
            f"{path.parent.name.replace('_', '-')}, or rename the folder to {config.identifier}"
        )
    return config


def _in_words(problem: Any) -> list[str]:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]")
    value = problem["input"]
    shown = "" if isinstance(value, (dict, list, tuple)) else f" = {value!r}"
    if problem["type"] == "missing":
        return [f"{key}: missing, and needed"]
    if problem["type"] == "extra_forbidden":
        return [f"{key}{shown}: unknown key"]
    return [f"{key}{shown}: {line}" for line in problem["msg"].splitlines()]
