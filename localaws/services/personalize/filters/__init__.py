"""Filters at work: which items an expression allows. The language is `storecast_engines.filters`.

allowed(parse('EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ($CATEGORY)'), Situation(items, history, ...), values)  # (N,)
"""

from localaws.services.personalize.filters.evaluate import Situation, allowed
from localaws.services.personalize.filters.tables import Table

__all__ = ["Situation", "Table", "allowed"]
