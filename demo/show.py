"""What a person sees at the end: forecasts, accuracy, recommendations, where everything lies, and how to go on."""

from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo import results
from storecast.cli.deployed import lines
from storecast.client import datasets
from storecast.connection import connect

ITEMS, DAYS, LISTS = 3, 7, 2
METRICS = {
    "AverageWeightedQuantileLoss": "average wQL",
    "wQL[0.1]": "wQL[0.1]",
    "wQL[0.5]": "wQL[0.5]",
    "wQL[0.9]": "wQL[0.9]",
    "WAPE": "WAPE",
    "RMSE": "RMSE",
    "MASE": "MASE",
}
RECOMMENDER_METRICS = {
    "coverage": "coverage",
    "mean_reciprocal_rank_at_25": "MRR@25",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
    "precision_at_10": "precision@10",
}
USE_CASES = {
    "most-viewed": "Most viewed",
    "best-sellers": "Best sellers",
    "frequently-bought-together": "Frequently bought together",
    "also-viewed": "Customers who viewed X also viewed",
    "recommended-for-you": "Recommended for you",
}
CONTAINERS = (
    "Pipeline", "Import", "Use the predictor", "Forecasts",
    "Datasets", "Filters", "Event tracker", "Recommenders and solutions", "Recommenders", "Solutions", "Batch",
)  # fmt: skip


def forecasts(console: Console, forecasting: dict, folder: Path, dataset: str, item_key: str) -> None:
    """A week of the items sold most: the same weekday a week before, P10, P50, P90, and what really happened."""
    past, truth = results.past(folder, dataset), results.actuals(folder)
    head = sorted(past, key=lambda item: -sum(past[item].values()))[:ITEMS]
    table = _table(f"Forecasts of {dataset}: the {ITEMS} items sold most, the first {DAYS} of the days ahead")
    for name in ("item", "date"):
        table.add_column(name)
    for name in ("a week before", "P10", "P50", "P90", *(["really sold"] if truth else [])):
        table.add_column(name, justify="right")
    for item in head:
        ahead = results.ahead(forecasting, item_key, item)
        for step in range(min(DAYS, len(ahead["p50"]))):
            day = ahead["p50"][step]["Timestamp"][:10]
            week_before = str(date.fromisoformat(day) - timedelta(days=7))
            row = [item if step == 0 else "", day, _number(past[item].get(week_before))]
            row += [f"{ahead[kind][step]['Value']:,.1f}" for kind in ("p10", "p50", "p90")]
            table.add_row(*row, *([_number(truth[item].get(day))] if truth else []))
        table.add_section()
    console.print(table)


def accuracy(console: Console, forecasting: dict) -> None:
    table = _table("Accuracy in backtest, lower is better (the yardstick repeats the last season, at all quantiles)")
    table.add_column("predictor")
    for name in METRICS.values():
        table.add_column(name, justify="right")
    for row in forecasting["accuracy"]:
        name = row["algorithm"] + (" (yardstick)" if row.get(results.YARDSTICK) else "")
        table.add_row(name, *(f"{row[key]:.4f}" if row.get(key) is not None else "-" for key in METRICS))
    console.print(table)


def recommenders(console: Console, recommending: dict) -> None:
    table = _table("Recommenders on interactions held back, higher is better")
    table.add_column("use case")
    for name in RECOMMENDER_METRICS.values():
        table.add_column(name, justify="right")
    for made in recommending["recommenders"]:
        metrics = made["metrics"]
        table.add_row(
            USE_CASES.get(made["useCase"], made["useCase"]), *(f"{metrics[key]:.3f}" for key in RECOMMENDER_METRICS)
        )
    console.print(table)


def recommendations(console: Console, lists: dict, note: str) -> None:
    """The first lists of each use case; `note` is what the config says a reader must know of the data."""
    table = _table(f"Recommendations. {note}")
    table.add_column("use case")
    table.add_column("for")
    table.add_column("items, best first")
    for made in lists["useCases"]:
        for at, each in enumerate(made["lists"][:LISTS]):
            whom = each["for"].get("name") or each["for"].get("userId") or "everybody"
            whom = f"user {whom}" if "userId" in each["for"] else whom
            items = "; ".join(item["name"] for item in each["items"][:4])
            table.add_row(USE_CASES.get(made["useCase"], made["useCase"]) if at == 0 else "", whom, items)
        table.add_section()
    console.print(table)


def time_spent(console: Console, summary: dict) -> None:
    """Where the pipelines' time went: the services' jobs, and what else."""
    spent = summary.get("time")
    if spent is None:
        return
    longest = max(summary["executions"], key=lambda execution: execution["seconds"])
    others = {name: seconds for name, seconds in longest["states"].items() if name not in CONTAINERS}
    steps = sum(seconds for name, seconds in others.items() if not name.startswith(("Describe", "Wait for", "Settle")))
    console.print(
        f"\n[bold]Time[/bold]  from the first upload to the last pipeline's end {spent['pipelines']:.0f} s; for "
        f"{spent['jobs_at_work']:.0f} s of them ({spent['share']:.0%}) jobs of the services ran. Beside "
        f"that, in the longer pipeline: {steps:.0f} s of Lambda steps added up (mostly cold starts) and "
        f"{others.get('Settle', 0):.0f} s of settling.",
        soft_wrap=True,
        highlight=False,
    )
    worked = [execution for execution in summary["executions"] if "Plan" in execution["states"]]
    counts = [
        f"{each['pipeline']} {each['transitions']} state transitions and {each['invocations']} Lambda invocations"
        for each in worked
    ]
    console.print(f"[bold]Billed by AWS for such runs[/bold]  {'; '.join(counts)}.", soft_wrap=True, highlight=False)


def places(console: Console, dataset: str, out: Path, state: str) -> None:
    """Where everything is, and what to try next; the console comes last."""
    aws = connect()
    console.print()
    for about, line in lines(aws, datasets.one(aws, dataset)):
        console.print(f"[bold]{about:<10}[/bold]{line}", soft_wrap=True, highlight=False)
    files = ", ".join(str(path) for path in [*sorted(out.glob("*ing.html")), out / "summary.json"])
    console.print(f"[bold]{'Files':<10}[/bold]{files}", soft_wrap=True, highlight=False)
    option = "" if state == ".localaws" else f" --state {state}"
    console.print("\n[bold]Next[/bold]")
    for line in (
        "source .venv/bin/activate",
        f'eval "$(storecast local env{option})"   # any AWS client here now talks to the embedded AWS',
        f"storecast local stop{option}   # its state is kept; start brings it back",
        f"python -m demo --destroy --dataset {dataset}{option}   # take the app down, with all that it made",
        f"storecast open {dataset}",
    ):
        console.print(f"  {line}", soft_wrap=True, highlight=False)


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, padding=(0, 2, 0, 0)
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
