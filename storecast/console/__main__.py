"""`python -m storecast.console --help`."""

from __future__ import annotations

import argparse
import sys

from storecast.console.serve import PORT, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m storecast.console", description="Serve the console.")
    parser.add_argument("--dataset", help="the one that is shown first")
    parser.add_argument("--port", type=int, help=f"on 127.0.0.1 (default: {PORT}, or a free one)")
    parser.add_argument("--profile", help="of ~/.aws; without credentials, the embedded AWS that runs here")
    parser.add_argument("--region")
    parser.add_argument("--no-browser", action="store_true", help="only print the link")
    given = parser.parse_args()
    try:
        serve(given.dataset, port=given.port, profile=given.profile, region=given.region, show=not given.no_browser)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
