"""What exists on AWS: one stack per file, the typed config, and the state machines.

The types of what flows through a state machine come from the Lambda code, and are imported here as they are in
Lambda: `from forecasting.payload import Plan`. So does the table of Personalize's domains, `recommending.domains`.
Nothing else of `lambdas/` is imported.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "lambdas"))
