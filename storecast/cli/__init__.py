"""The command line `storecast`.

The modules of commands import typer alone at their top, so that help and completion come at once: what a command needs
it imports when it runs.
"""

from __future__ import annotations

import sys


def main() -> None:
    """The console script."""
    from storecast.cli.app import app
    from storecast.cli.problems import Stop, stop_of

    try:
        app()
    except BrokenPipeError:  # of `storecast ... | head`
        sys.stderr.close()
    except Exception as error:
        found: Stop | None = stop_of(error)
        if found is None:
            raise
        print(f"storecast: {found.what}", file=sys.stderr)
        if found.next_step:
            print(f"Next: {found.next_step}", file=sys.stderr)
        sys.exit(found.code)
