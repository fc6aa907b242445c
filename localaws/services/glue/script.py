"""Starts a job's script as Glue does, `python script.py SCRIPT FAILURE ARGUMENTS...`: as __main__, with the arguments.

It lives until its input ends, so that neither a stop nor a crash of the embedded AWS leaves it behind; Spark's JVM and
workers end with it. FAILURE is the file for the message of the error that the script ends with.
"""

import os
import runpy
import sys
import threading
import traceback
from pathlib import Path


def main() -> None:
    _, script, failure, *arguments = sys.argv
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as error:
        if error.code:
            Path(failure).write_text(f"SystemExit: {error.code}")
        raise
    except BaseException as error:
        traceback.print_exc()
        Path(failure).write_text(f"{type(error).__name__}: {error}"[:2000])
        raise SystemExit(1) from None


def _end_with_the_input() -> None:
    while os.read(0, 4096):  # not through sys.stdin, whose lock would be held when the script ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
