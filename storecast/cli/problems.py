"""How commands end, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass

FOUND, USAGE, NOT_THERE, NO_ANSWER = 1, 2, 3, 4
EXIT_CODES = (
    "Exit codes: 0 all is well; 1 the command found something wrong (a failed run, a refused file, a config that is "
    "not valid); 2 wrong usage; 3 something does not exist (dataset, run, item, results); 4 AWS refused or did not "
    "answer."
)


@dataclass(frozen=True)
class Stop:
    """Why a command stops: what happened, what to do next, and the exit code."""

    what: str
    next_step: str
    code: int


def stop_of(error: Exception) -> Stop | None:
    """The Stop of an error that people can do something about; None for any other one, which is a bug of ours."""
    from storecast.client.aws import NoAnswer, NotThere, Problem, Unclear, explained

    if not isinstance(error, Problem):
        error = _known(error) or error
    if not isinstance(error, Problem):
        from botocore.exceptions import BotoCoreError, ClientError

        if not isinstance(error, (BotoCoreError, ClientError)):
            return None
        error = explained(error)
    codes = {NotThere: NOT_THERE, NoAnswer: NO_ANSWER, Unclear: USAGE}
    return Stop(error.what, error.next_step, codes.get(type(error), FOUND))


def _known(error: Exception) -> Exception | None:
    """Errors of the rooms that commands call, as Problems. They say themselves what to do next."""
    from storecast.client.aws import Problem

    if type(error).__module__.partition(".")[0] in ("infra", "localaws"):
        return Problem(str(error))
    return None
