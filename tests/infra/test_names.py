"""The longest dataset, region and names of a config, in all names that follow from them: none exceeds its limit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from pydantic import ValidationError

from infra.config import Pipeline
from infra.regions import available
from infra.workshop import learners_stem
from recommending.domains import DOMAINS
from tests.infra.conftest import ROOT, Assembly, flat
from tests.infra.variants import LONGEST_DATASET, LONGEST_NAME, LONGEST_SHORT_NAME, MOST_LEARNERS, longest

# What the schemas do not say (Lambda API reference, CreateFunction).
_LACKING = {("AWS::Lambda::Function", "FunctionName"): 64}
_RUN = "20261122T211700_abc"
_SESSION = botocore.session.get_session()


def _config(**changed: Any) -> dict[str, Any]:
    return longest().model_dump(mode="json", exclude_none=True) | changed


@pytest.mark.parametrize(
    ("section", "key", "longest"),
    [
        (None, "dataset", LONGEST_DATASET),
        ("forecasting", "forecasts", LONGEST_SHORT_NAME),
        ("forecasting", "what_if", LONGEST_SHORT_NAME),
        ("recommending", "solutions", LONGEST_NAME),
        ("recommending", "filters", LONGEST_NAME),
        ("recommending", "batch", LONGEST_SHORT_NAME),
    ],
)
def test_a_longer_name_is_refused(section: str | None, key: str, longest: str) -> None:
    config = _config()
    part = config[section] if section else config
    part[key] = f"{longest}x" if key == "dataset" else {f"{longest}x": part[key][longest]}
    with pytest.raises(ValidationError, match=f"{longest}x|2 to 20"):
        Pipeline.model_validate(config)


def test_every_name_of_a_template_is_within_the_length_that_its_type_allows(longest_names: Assembly) -> None:
    """By CloudFormation's schema of the type, as cfn-lint ships it."""
    region = max((*available("forecast"), *available("personalize")), key=len)
    seen = set()
    for stack, template in longest_names.templates.items():
        for name, resource in template["Resources"].items():
            for key, value in resource.get("Properties", {}).items():
                most = _longest(resource["Type"], key)
                if most is None or not key.endswith("Name"):
                    continue
                text = flat(value).replace("<AWS::Region>", region).replace("<AWS::AccountId>", "1" * 12)
                if "<" not in text:  # a name of another resource, which has its own limit
                    seen.add(resource["Type"])
                    assert len(text) <= most, f"{stack}/{name}.{key}: {text} has {len(text)} characters of {most}"
    assert {"AWS::SageMaker::NotebookInstance", "AWS::StepFunctions::StateMachine", "AWS::Lambda::Function"} <= seen


def _longest(resource_type: str, key: str) -> int | None:
    if resource_type.startswith("Custom::"):
        return None
    if (resource_type, key) in _LACKING:
        return _LACKING[resource_type, key]
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource_type).schema
    return schema["properties"].get(key, {}).get("maxLength")


def test_every_name_of_a_run_is_within_what_forecast_allows() -> None:
    from forecasting.plan import run_plan

    config = _config()
    kinds = dict.fromkeys(config["forecasting"]["datasets"], "c")
    event = _event(config, "forecasting") | {"domain": {"item": "item_id", "target": "demand"}, "database": "d"}
    _check("forecast", run_plan(event, kinds, {}, _RUN), at_least=15)


def test_every_name_of_a_run_is_within_what_personalize_allows() -> None:
    from recommending.run_plan import PlannedImport, run_plan
    from recommending.schema import avro_schema

    config = _config()
    for domain in ("ECOMMERCE", "VIDEO_ON_DEMAND"):
        use_case = config["recommending"]["use_cases"]["best-sellers"]
        config["recommending"] |= {"domain": domain, "use_cases": dict.fromkeys(DOMAINS[domain].recipes, use_case)}
        columns = config["recommending"]["datasets"]
        schemas = {kind: avro_schema(kind, columns[kind]) for kind in columns}
        imports = [PlannedImport(kind, imported_checksum="c") for kind in schemas]
        recipes = DOMAINS[domain].recipes | {"aws-user-personalization": "arn:aws:personalize:::recipe/r"}
        event = _event(config, "recommending") | {"recipes": recipes}
        inputs = {"files": dict.fromkeys(schemas, "c"), "config": "c"}
        plan = run_plan(event, schemas, imports, run=_RUN, inputs=inputs, data_changed=True)
        _check("personalize", plan, at_least=15)


def test_every_name_that_a_learner_makes_in_a_notebook_is_within_what_the_services_allow() -> None:
    """A learner is called after the dataset, a hash where it has dashes, and a number; the notebooks put `lab_` before
    and their own words after.

    What is in braces is a kind, a recipe or an algorithm: 20 characters at most.
    """
    stem = max(learners_stem(LONGEST_DATASET), learners_stem(f"{LONGEST_DATASET[:18]}-d"), key=len)
    learner = f"lab_{stem}{MOST_LEARNERS}"
    notebooks = "".join(path.read_text() for path in (ROOT / "notebooks").rglob("*.ipynb"))
    endings = set(re.findall(r"\{me\.name\}(_[\w{}]*)", notebooks))
    assert len(endings) > 20
    names = {learner + re.sub(r"\{\w*\}?", "x" * 20, ending) for ending in endings}
    assert [name for name in names if len(name) > 63] == []


def _event(config: dict[str, Any], section: str) -> dict[str, Any]:
    return {
        "dataset": config["dataset"],
        "execution": "arn:aws:states:eu-west-1:111122223333:execution:e:e",
        "started": "2026-11-22T21:17:00.123Z",
        "attempt": 0,
        "force": False,
        "dataBucket": "data",
        "resultsBucket": "results",
        "tags": {},
        "roleArn": "arn:aws:iam::111122223333:role/r",
        "config": config[section],
    }


def _check(service: str, plan: Any, at_least: int) -> None:
    """Each name in a plan that is ours against botocore's shape of the service's names."""
    shape = _SESSION.get_service_model(service).shape_for("Name")
    names = {text for key, text in _texts(plan) if key.lower().endswith("name") and text.startswith("storecast")}
    assert len(names) >= at_least, names
    for name in names:
        assert len(name) <= shape.metadata["max"], f"{name} has {len(name)} characters of {shape.metadata['max']}"
        assert re.fullmatch(shape.metadata["pattern"], name), name


def _texts(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _texts(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, key)
    elif isinstance(node, str):
        yield key, node
