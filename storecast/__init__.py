"""Storecast for people: the command line (`cli`) and the console (`console`), both on one client (`client`).

The client knows AWS's APIs alone: what is deployed, what ran, what was published. So both work against the embedded
AWS and a real account, and with both forecasting engines. How a CSV file is read is the pipelines' own code,
`common.tables` of `lambdas/`.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT / "lambdas") not in sys.path:
    sys.path.append(str(ROOT / "lambdas"))
