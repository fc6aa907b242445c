"""The filter language (docs/aws-sources.md#personalize-filter-expressions; CurrentItem and != from its successor
docs/aws-sources.md#personalize-creating-filter-expressions).

    filter     = expression { "|" expression }
    expression = ( "INCLUDE" | "EXCLUDE" ) "ItemID" "WHERE" any [ "IF" all ]
    any        = all { "OR" all }
    all        = condition { "AND" condition }
    condition  = field ( [ "NOT" ] "IN" list | ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) operand )
    list       = "(" ( "*" | parameter | field | literal { "," literal } ) ")" | field
    operand    = number | parameter | field
    field      = dataset "." name

A field on the right is one of CurrentItem; IF tests CurrentUser alone; one expression stays with the dataset of its
first condition. Keywords, datasets and fields are read in any case. The guide does not say how AND and OR bind: AND
binds closer, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from storecast_engines.filters.tokens import FilterError, Token, invalid_symbol, tokenize

ITEMS, INTERACTIONS, CURRENT_ITEM, CURRENT_USER = "Items", "Interactions", "CurrentItem", "CurrentUser"
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Field:
    """`dataset` in the guide's spelling, `name` in upper case."""

    dataset: str
    name: str
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.dataset}.{self.name}"


@dataclass(frozen=True)
class Parameter:
    """A placeholder; its values come with each request, under its name in this very case."""

    name: str


Operands = tuple[str | float | Parameter | Field, ...]


@dataclass(frozen=True)
class Condition:
    """`operator`: IN, NOT IN or a comparison. `values`: literals, or one Parameter or Field; None stands for *."""

    field: Field
    operator: str
    values: Operands | None


@dataclass(frozen=True)
class Combination:
    """`operator` is AND or OR."""

    operator: str
    parts: tuple[Condition | Combination, ...]


@dataclass(frozen=True)
class Expression:
    """What stands between two pipes; it counts only for users who meet all conditions of `only_if`."""

    include: bool
    where: Condition | Combination
    only_if: tuple[Condition, ...] = ()

    def conditions(self) -> Iterator[Condition]:
        yield from _conditions(self.where)
        yield from self.only_if

    def parameters(self) -> set[str]:
        values = [value for each in self.conditions() for value in each.values or ()]
        return {value.name for value in values if isinstance(value, Parameter)}

    def fields(self) -> list[Field]:
        """Each field as often as it is written."""
        conditions = list(self.conditions())
        values = [value for each in conditions for value in each.values or ()]
        return [each.field for each in conditions] + [value for value in values if isinstance(value, Field)]


def _conditions(node: Condition | Combination) -> Iterator[Condition]:
    if isinstance(node, Condition):
        yield node
    else:
        for part in node.parts:
            yield from _conditions(part)


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[Expression, ...]:
    """The expressions of a filter. Raises FilterError naming the place, what stands there and what was expected."""
    parser = _Parser(tokenize(text))
    expressions = [parser.expression()]
    while parser.takes("|"):
        expressions.append(parser.expression())
    if parser.ahead.kind != "end":
        raise parser.unexpected("AND, OR, IF, | or the end of the expression")
    return tuple(expressions)


def parse_values(name: str, text: str) -> tuple[str | float, ...]:
    """The values of one entry of filterValues: strings in double quotes or numbers, separated by commas."""
    try:
        parser = _Parser(tokenize(text))
        values = parser.literals()
        if parser.ahead.kind != "end":
            raise parser.unexpected("a comma or the end of the values")
    except FilterError as error:
        reason = str(error).removeprefix("Could not create filter. ")
        raise FilterError(f"filterValues: the value of {name} is {text!r}. {reason}") from None
    return values


class _Parser:
    """Recursive descent with one token ahead; each method reads the rule of its name."""

    def __init__(self, tokens: list[Token]):
        self._tokens = iter(tokens)
        self.ahead = next(self._tokens)

    def unexpected(self, expected: str) -> FilterError:
        return invalid_symbol(self.ahead.text, self.ahead.position, f"Expected {expected}")

    def take(self) -> Token:
        taken = self.ahead
        self.ahead = next(self._tokens, taken)
        return taken

    def takes(self, *words: str) -> str | None:
        """The keyword or symbol among `words` that stands here, taken; None when none of them does."""
        if self.ahead.kind in ("name", "symbol"):
            for word in words:
                if self.ahead.text.upper() == word.upper():
                    self.take()
                    return word
        return None

    def expect(self, *words: str) -> str:
        found = self.takes(*words)
        if found is None:
            raise self.unexpected(" or ".join(words))
        return found

    def expression(self) -> Expression:
        include = self.expect("INCLUDE", "EXCLUDE") == "INCLUDE"
        if self.ahead.text.upper() in ("USERID", "ACTIONID"):
            raise self.unexpected("ItemID (filters of users and actions are not implemented)")
        self.expect("ItemID")
        self.expect("WHERE")
        where = self.any_of()
        if not self.takes("IF"):
            return Expression(include, where)
        only_if = [self.condition(CURRENT_USER)]
        while self.takes("AND"):
            only_if.append(self.condition(CURRENT_USER))
        return Expression(include, where, tuple(only_if))

    def any_of(self) -> Condition | Combination:
        parts = [self.all_of(None)]
        dataset = next(_conditions(parts[0])).field.dataset
        while self.takes("OR"):
            parts.append(self.all_of(dataset))
        return parts[0] if len(parts) == 1 else Combination("OR", tuple(parts))

    def all_of(self, dataset: str | None) -> Condition | Combination:
        parts = [self.condition(dataset)]
        while self.takes("AND"):
            parts.append(self.condition(parts[0].field.dataset))
        return parts[0] if len(parts) == 1 else Combination("AND", tuple(parts))

    def condition(self, dataset: str | None) -> Condition:
        """`dataset`: the only one allowed here; None: Items or Interactions."""
        tested = self.field(*([dataset] if dataset else [ITEMS, INTERACTIONS]))
        if self.takes("NOT"):
            self.expect("IN")
            return Condition(tested, "NOT IN", self.list_of(tested, "NOT IN"))
        if self.takes("IN"):
            return Condition(tested, "IN", self.list_of(tested, "IN"))
        operator = self.takes(*COMPARISONS)
        if operator is None:
            raise self.unexpected(f"IN, NOT IN or one of {' '.join(COMPARISONS)}")
        return Condition(tested, operator, (self.operand(),))

    def field(self, *datasets: str) -> Field:
        position = self.ahead.position
        dataset = self.takes(*datasets)
        if dataset is None:
            raise self.unexpected(" or ".join(f"{each}.field" for each in datasets))
        self.expect(".")
        if self.ahead.kind != "name":
            raise self.unexpected(f"a field of {dataset}")
        return Field(dataset, self.take().text.upper(), position)

    def list_of(self, tested: Field, operator: str) -> Operands | None:
        if self.ahead.kind == "name":
            return (self.field(CURRENT_ITEM),)
        self.expect("(", f"{CURRENT_ITEM}.field")
        if self.ahead.text == "*" and str(tested) == f"{INTERACTIONS}.EVENT_TYPE":
            self.take()
            values: Operands | None = None
        elif self.ahead.kind == "parameter":
            if operator == "NOT IN":
                why = "Placeholders are not allowed with NOT_IN operator."
                raise invalid_symbol(self.ahead.text, self.ahead.position, why)
            values = (self.parameter(),)
        elif self.ahead.kind == "name":
            values = (self.field(CURRENT_ITEM),)
        else:
            values = self.literals()
        self.expect(")")
        return values

    def literals(self) -> tuple[str | float, ...]:
        values = [self.literal("string", "number")]
        while self.takes(","):
            values.append(self.literal("string", "number"))
        return tuple(values)

    def literal(self, *kinds: str) -> str | float:
        if self.ahead.kind not in kinds:
            raise self.unexpected("a value in double quotes, a number or a $parameter")
        return self.take().value

    def parameter(self) -> Parameter:
        return Parameter(str(self.take().value))

    def operand(self) -> str | float | Parameter | Field:
        if self.ahead.kind == "parameter":
            return self.parameter()
        if self.ahead.kind == "name":
            return self.field(CURRENT_ITEM)
        if self.ahead.kind == "string":
            raise self.unexpected("a number, a $parameter or CurrentItem.field; strings are tested with IN or NOT IN")
        return self.literal("number")
