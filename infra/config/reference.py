"""The configuration reference, docs/configuration.md: `python -m infra.config.reference` writes it.

Keys, types, defaults and descriptions are those of the JSON Schema (infra/config/schema.py), examples those of
examples.yaml.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from infra.config.schema import schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
EXAMPLES: dict[str, dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text("utf-8"))
_TOP = "Pipeline"
_INTRODUCTION = """# Configuration reference

One file, `data/NAME/pipeline.yaml`, configures everything that is deployed for a dataset. It is checked when the
templates are made: all mistakes are reported at once, by key, value found, and what is allowed. `storecast init` writes
one from your CSV files, and `storecast check NAME` checks it. Editors with a YAML language server complete and check
the keys if the first line is

```yaml
# yaml-language-server: $schema=../pipeline.schema.json
```

This page is generated from the types of the config: `python -m infra.config.reference`.
"""


def page() -> str:
    found = schema()
    models = {_TOP: found} | found["$defs"]
    places = _places(models)
    parts = [_INTRODUCTION]
    for name in places:
        parts += [
            f'## <a id="{name.lower()}"></a>{_title(places[name])}\n',
            f"{_linked(models[name]['description'])}\n",
        ]
        parts += ["| key | type | default | meaning | example |", "| --- | --- | --- | --- | --- |"]
        parts += [_row(name, key, about, models[name]) for key, about in models[name]["properties"].items()]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _places(models: dict[str, Any]) -> dict[str, list[str]]:
    """Where in the file each model is, section by section."""
    found: dict[str, list[str]] = {}

    def visit(name: str, place: str) -> None:
        found.setdefault(name, []).append(place)
        for key, about in models[name]["properties"].items():
            for inner, suffix in _held(about):
                visit(inner, f"{place}.{key}{suffix}".lstrip("."))

    visit(_TOP, "")
    return found


def _held(about: Any, suffix: str = "") -> list[tuple[str, str]]:
    """The models that a value holds, and how they are reached: `.NAME` for a key that the user chooses."""
    if isinstance(about, list):
        return [each for part in about for each in _held(part, suffix)]
    if not isinstance(about, dict):
        return []
    if "$ref" in about:
        return [(_model(about), suffix)]
    deeper = [*_held(about.get("anyOf"), suffix), *_held(about.get("items"), suffix)]
    named = [about.get("additionalProperties"), *about.get("properties", {}).values()]
    return list(dict.fromkeys([*deeper, *_held(named, f"{suffix}.NAME")]))


def _model(about: dict[str, Any]) -> str:
    return str(about["$ref"]).rpartition("/")[2]


def _title(places: list[str]) -> str:
    return ", ".join(f"`{place}`" for place in places) if places != [""] else "The file"


def _row(name: str, key: str, about: dict[str, Any], model: dict[str, Any]) -> str:
    example = EXAMPLES[name][key]
    cells = [
        f"`{key}`",
        _type(about),
        "needed" if key in model.get("required", ()) else _default(about),
        _linked(about.get("description", "")),
        "see below" if example == {} else f"`{key}: {_inline(example)}`",
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(about: dict[str, Any]) -> str:
    value = about.get("default")
    return "none" if value in (None, {}, [], "") or "$ref" in about else f"`{_inline(value)}`"


def _inline(value: Any) -> str:
    """YAML on one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return re.sub(r"'([^'{}]*)'", r'"\1"', text.replace("\n...", "").strip())


def _type(about: dict[str, Any]) -> str:
    if "$ref" in about:
        return f"[{_model(about)}](#{_model(about).lower()})"
    if "enum" in about:
        return ", ".join(f"`{value}`" for value in about["enum"] if value is not None)
    if "const" in about:
        return f"`{about['const']}`"
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_type(each) for each in about["anyOf"] if each.get("type") != "null"))
    kind = about.get("type")
    if kind == "array":
        return f"list of {_type(about['items'])}"
    if kind == "object":
        if "properties" in about:
            return f"settings of {', '.join(f'`{name}`' for name in about['properties'])}"
        return f"map of {_type(about['additionalProperties'])}"
    if isinstance(kind, list):
        return "text or number"
    return {"boolean": "`true`, `false`", "string": "text"}.get(str(kind)) or _number(about)


def _number(about: dict[str, Any]) -> str:
    word = "whole number" if about["type"] == "integer" else "number"
    low, high = about.get("minimum"), about.get("maximum")
    if "exclusiveMinimum" in about:
        word += f" above {json.dumps(about['exclusiveMinimum'])}"
    return (
        f"{word} from {low} to {high}"
        if None not in (low, high)
        else word + (f" from {low}" if low is not None else "")
    )


def _linked(text: str) -> str:
    """Citations of AWS's pages as links."""
    return re.sub(r"docs/aws-sources\.md#([\w-]+)", r"[\1](aws-sources.md#\1)", text)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
