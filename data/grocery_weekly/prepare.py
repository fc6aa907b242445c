"""The grocery-weekly dataset: what is too thin for `grocery`'s daily series, summed to weeks by the same code."""

from pathlib import Path

from data.grocery import demand, source
from data.grocery.prepare import DAILY_SHARE_OF_DAYS, forecasting_figures, forecasting_tables, key, period
from data.summary import Summary, finished_build, write_build

SHARE_OF_WEEKS = 0.95
DEMO_SERIES = 60


def prepare(out: Path, *, full: bool, seed: int) -> Summary:
    """Write the dataset below `out` and return its summary; if `out` holds this very build already, only return it.

    `full` writes every type that qualifies instead of the 60 with the largest demand. Nothing is drawn at random:
    `seed` is taken, and recorded, only so that every dataset is built by the same call.
    """
    build = key("grocery-weekly", Path(__file__).parent, full=full, seed=seed)
    if done := finished_build(out, build):
        return done
    grocer = source.load()
    sales = demand.with_series(grocer)
    days, weeks = demand.share_of_days(sales), demand.share_of_weeks(sales)
    thin = days.index[(days < DAILY_SHARE_OF_DAYS) & (weeks.reindex(days.index, fill_value=0) >= SHARE_OF_WEEKS)]
    history = sales[(sales.day <= demand.last_history_day()) & sales.series_id.isin(thin)]
    units = history.groupby("series_id").quantity.sum().sort_values(ascending=False, kind="stable")
    files = demand.demand_files(sales, grocer.products, sorted(units.index if full else units.index[:DEMO_SERIES]), "W")
    return write_build(
        out,
        forecasting_tables("grocery-weekly", files),
        dataset="grocery-weekly",
        key=build,
        seed=seed,
        full=full,
        licence=source.LICENCE,
        origin=source.ORIGIN,
        period=period(files),
        simulated="",
        rules={
            "series": f"product types sold on less than {DAILY_SHARE_OF_DAYS:.0%} of the days and in at least "
            f"{SHARE_OF_WEEKS:.0%} of the weeks before the held-out 4"
            + ("" if full else f"; the {DEMO_SERIES} largest"),
            "weeks": "Monday to Sunday, named by their Monday; 1 January 2017, a Sunday, is left out",
        },
        figures=forecasting_figures(files),
    )
