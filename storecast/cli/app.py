"""All commands of `storecast`."""

from __future__ import annotations

import typer

from storecast.cli import data, embedded, results, runs
from storecast.cli.problems import EXIT_CODES

app = typer.Typer(
    name="storecast",
    help="Forecasts and recommendations: bring files, follow the runs, look up what came out.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data.register(app)
runs.register(app)
results.register(app)
app.add_typer(embedded.app, name="local")
