"""Filters: the expression language, and which items an expression allows.

expressions = parse('EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ($CATEGORY)')
allowed(expressions, Situation(items, history, ...), {"CATEGORY": ("snacks",)})    # (N,) bool
"""

from localaws.services.personalize.filters.evaluate import Situation, allowed
from localaws.services.personalize.filters.grammar import Expression, Field, parse, parse_values
from localaws.services.personalize.filters.tables import Table
from localaws.services.personalize.filters.tokens import FilterError

__all__ = ["Expression", "Field", "FilterError", "Situation", "Table", "allowed", "parse", "parse_values"]
