"""Which rights are used: every action that the policies of a role allowed, and on what, in a file."""

import functools
import json
import threading
from pathlib import Path
from typing import Any

from ministack.core import iam_evaluator


def record(path: Path) -> None:
    """From now on each role, action and resource that was allowed together is a line of `path`: a JSON list, once."""
    evaluate, lock = iam_evaluator.evaluate, threading.Lock()
    known = set(path.read_text().splitlines()) if path.exists() else set()

    @functools.wraps(evaluate)
    def evaluated(ctx: iam_evaluator.EvalContext, *policies: Any) -> Any:
        result = evaluate(ctx, *policies)
        if result.decision == "Allow" and ctx.principal_type == "AssumedRole":
            role = ctx.principal_arn.split("/")[1]
            line = json.dumps([role, ctx.action, ctx.resource_arn])
            with lock:
                if line not in known:
                    known.add(line)
                    with path.open("a") as file:
                        file.write(line + "\n")
        return result

    iam_evaluator.evaluate = evaluated
