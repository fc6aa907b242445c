"""The section `recommending` of a pipeline.yaml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from infra import schemas
from infra.config.base import Column, Schedule, Strict, refuse


class ColumnType(Strict):
    """One column of a Personalize dataset (Avro type and Personalize's own marks)."""

    type: Literal["string", "int", "long", "float", "double", "boolean"]
    categorical: bool = False
    textual: bool = False
    nullable: bool = False


class Publish(Strict):
    """What the run writes down for people to read."""

    head_items: int = Field(default=20, ge=1, le=100)
    sample_users: int = Field(default=10, ge=1, le=100)
    results: int = Field(default=10, ge=1, le=100)
    name_column: Column | None = None
    note: str = Field(default="", max_length=300)  # shown in the report: what a reader must know of the data


class Recommending(Strict):
    """What Amazon Personalize is asked for: an ECOMMERCE domain dataset group and its recommenders."""

    domain: Literal["ECOMMERCE"] = "ECOMMERCE"
    datasets: dict[Literal["interactions", "items", "users"], dict[Column, ColumnType]]
    use_cases: tuple[str, ...] = Field(min_length=1, max_length=5)
    publish: Publish = Publish()
    schedule: Schedule | None = None

    @field_validator("datasets", mode="before")
    @classmethod
    def _short_types(cls, value: Any) -> Any:
        """`COLUMN: string` is short for `COLUMN: {type: string}`."""
        if not isinstance(value, dict):
            return value
        return {
            kind: {name: {"type": column} if isinstance(column, str) else column for name, column in columns.items()}
            if isinstance(columns, dict)
            else columns
            for kind, columns in value.items()
        }

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, value: dict[str, dict[str, ColumnType]]) -> dict[str, dict[str, ColumnType]]:
        found = [] if "interactions" in value else ["interactions is missing: every use case learns from it"]
        for kind, columns in value.items():
            found += schemas.personalize_schema_problems(kind, {n: c.model_dump() for n, c in columns.items()})
        refuse(found)
        return value

    @field_validator("use_cases")
    @classmethod
    def _use_cases(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        found = [problem for name in value for problem in schemas.not_one_of(name, sorted(schemas.RECIPES))]
        refuse(found + [f"{name} is there twice" for name in sorted(set(value)) if value.count(name) > 1])
        return value
