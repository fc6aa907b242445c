"""Filters: the expression language, and which items an expression allows.

expressions = parse('EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ($CATEGORY)')
allowed(expressions, Situation(items, history, ...), {"CATEGORY": ("snacks",)})    # (N,) bool
"""

from .evaluate import Situation, allowed
from .grammar import Expression, Field, parse, parse_values
from .tables import Table
from .tokens import FilterError

__all__ = ["Expression", "Field", "FilterError", "Situation", "Table", "allowed", "parse", "parse_values"]
