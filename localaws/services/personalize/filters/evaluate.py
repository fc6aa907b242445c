"""Which items a filter allows, as masks over the model's items.

INCLUDE expressions allow their union, EXCLUDE expressions take theirs away, in whatever order they stand
(docs/aws-sources.md#personalize-filter-expressions, Combining multiple expressions). An expression whose IF the user
does not meet does not count. Where the guide is silent: a missing value is IN nothing and compares with nothing, so NOT
IN and != hold for it; items meet a condition on Interactions each for itself (the user did this, and that).
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np

from localaws.services.personalize.filters.tables import Table
from storecast_engines.filters.grammar import (
    CURRENT_ITEM,
    CURRENT_USER,
    INTERACTIONS,
    Combination,
    Condition,
    Expression,
    Field,
    Parameter,
)
from storecast_engines.filters.tokens import FilterError
from storecast_engines.recommending import FILTER_REACH, NO_HISTORY, History

COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
Values = Mapping[str, tuple[str | float, ...]]


@dataclass(frozen=True)
class Situation:
    """Who asks about what: the Items table in the order of the model's codes, the user's history in the same codes, the
    user's record as a table of one row (None: unknown user), and the code of the item asked about."""

    items: Table
    history: History = NO_HISTORY
    user: Table | None = None
    item: int | None = None


def allowed(expressions: tuple[Expression, ...], situation: Situation, values: Values) -> np.ndarray:
    """(N,) bool. values: the request's filterValues by parameter.

    Raises FilterError when a parameter of an INCLUDE has no value, or a value belongs to no parameter; an EXCLUDE
    without its value does not count (docs/aws-sources.md#personalize-filter-real-time).
    """
    known = {name for each in expressions for name in each.parameters()}
    if unknown := set(values) - known:
        raise FilterError(f"filterValues names {', '.join(sorted(unknown))}; the filter has {_names(known)}")
    included: list[np.ndarray] = []
    excluded: list[np.ndarray] = []
    for expression in expressions:
        missing = expression.parameters() - set(values)
        if missing and expression.include:
            raise FilterError(f"filterValues must hold a value for {_names(missing)}, which an INCLUDE expression uses")
        if not missing and all(_user_meets(condition, situation, values) for condition in expression.only_if):
            mask = _mask(expression.where, situation, values)
            (included if expression.include else excluded).append(mask)
    everything = np.ones(situation.items.size, dtype=bool)
    answer = reduce(np.logical_or, included) if included else everything
    return reduce(lambda left, mask: left & ~mask, excluded, answer)


def _names(parameters: set[str]) -> str:
    return ", ".join(f"${name}" for name in sorted(parameters)) or "no parameters"


def _mask(node: Condition | Combination, situation: Situation, values: Values) -> np.ndarray:
    if isinstance(node, Combination):
        masks = [_mask(part, situation, values) for part in node.parts]
        return reduce(np.logical_and if node.operator == "AND" else np.logical_or, masks)
    if node.field.dataset == INTERACTIONS:
        return _interacted(node, situation, values)
    return _holds(node, situation.items, _operands(node, situation, values))


def _interacted(condition: Condition, situation: Situation, values: Values) -> np.ndarray:
    """Items of the user's newest 100 interactions per event type, by type in any case."""
    history, mask = situation.history, np.zeros(situation.items.size, dtype=bool)
    wanted = None
    if condition.values is not None:
        wanted = {str(value).upper() for value in _operands(condition, situation, values)}
    for event_type in np.unique(history.event_types):
        named = wanted is None or str(event_type).upper() in wanted
        if named == (condition.operator == "IN"):
            codes = history.items[history.event_types == event_type][-FILTER_REACH:]
            mask[codes[codes >= 0]] = True
    return mask


def _operands(condition: Condition, situation: Situation, values: Values) -> tuple[str | float, ...]:
    """What the field is tested against; nothing when the current item is unknown or lacks the value."""
    tested = condition.values or ()
    first = tested[0]
    if isinstance(first, Parameter):
        return values[first.name]
    if isinstance(first, Field):
        assert first.dataset == CURRENT_ITEM, first
        if situation.item is None or situation.item < 0:
            return ()
        column = situation.items.column(first.name)
        if column.numeric:
            return (float(column.values[situation.item]),)
        return tuple(column.categories(situation.item))
    return tuple(value for value in tested if isinstance(value, str | float))


def _holds(condition: Condition, table: Table, operands: tuple[str | float, ...]) -> np.ndarray:
    """(table.size,) bool: where the condition on a field of the table holds."""
    column = table.column(condition.field.name)
    if condition.operator in ("IN", "NOT IN"):
        if column.numeric:
            mask = np.isin(column.values, [value for value in operands if isinstance(value, float)])
        else:
            mask = np.zeros(table.size, dtype=bool)
            for value in operands:
                mask[column.rows_of.get(value, [])] = True
        return mask if condition.operator == "IN" else ~mask
    numbers = column.values if column.numeric else np.full(table.size, np.nan)
    if len(operands) != 1 or isinstance(operands[0], str):
        if condition.values and isinstance(condition.values[0], Parameter):
            raise FilterError(f"filterValues: {condition.field} {condition.operator} takes one number, not {operands}")
        operands = (np.nan,)
    return COMPARE[condition.operator](numbers, operands[0])


def _user_meets(condition: Condition, situation: Situation, values: Values) -> bool:
    assert condition.field.dataset == CURRENT_USER, condition
    user = situation.user or Table(1, {})
    return bool(_holds(condition, user, _operands(condition, situation, values))[0])
