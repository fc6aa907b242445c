"""The filter expressions of Amazon Personalize: their grammar, and what they may ask of which columns.

expressions = parse('EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ($CATEGORY)')
check(expressions, {"ITEMS": {"CATEGORY_L1": Field("CATEGORY_L1", "string", nullable=True, categorical=True)}})

Importing this package loads neither numpy nor pandas: the CDK app checks a pipeline.yaml by it.
"""

from storecast_engines.filters.columns import MOST_FIELDS, MOST_FIELDS_OF_GROUP, Columns, check, columns_of
from storecast_engines.filters.grammar import Expression, Field, parse, parse_values
from storecast_engines.filters.tokens import FilterError

__all__ = [
    "MOST_FIELDS",
    "MOST_FIELDS_OF_GROUP",
    "Columns",
    "Expression",
    "Field",
    "FilterError",
    "check",
    "columns_of",
    "parse",
    "parse_values",
]
