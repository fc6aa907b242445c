"""A forecast drawn in the terminal."""

from __future__ import annotations

from typing import Any

from storecast.cli.show import step
from storecast.client.model import Forecast

_APART = 18  # columns between the dates below the chart


def middle_of(columns: tuple[str, ...]) -> str:
    """The line that is drawn: the median, or what is nearest to it."""
    quantiles = [name for name in columns if name != "mean"]
    return "p50" if "p50" in columns else "mean" if "mean" in columns else quantiles[len(quantiles) // 2]


def interval_of(columns: tuple[str, ...]) -> tuple[str, str] | None:
    """The widest interval around it: the lowest and the highest quantile."""
    quantiles = [name for name in columns if name != "mean"]
    return (quantiles[0], quantiles[-1]) if len(quantiles) > 1 else None


def draw(found: Forecast, width: int, height: int, past: int, *, colours: bool) -> str:
    """The last `past` time steps of what was sold, the median, and its widest interval as an area."""
    import plotext

    known = found.past[-past:] if past else ()
    times = sorted({*(each.time for each in known), *(each.time for each in found.ahead)})
    place = {time: at for at, time in enumerate(times)}
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.theme("simple")

    def line(column: str, marker: object) -> Any:
        ahead = [each for each in found.ahead if column in each.values]
        return figure.signal(
            [place[each.time] for each in ahead], [each.values[column] for each in ahead], marker=marker
        ).lines()

    if interval := interval_of(found.columns):
        low, high = (line(column, plotext.marker("braille", "gray")) for column in interval)
        high.fill(low)
        figure.draw(high)
        figure.draw(low)
    if known:
        actual = figure.signal(
            [place[each.time] for each in known],
            [each.value for each in known],
            marker=plotext.marker("braille", "blue"),
        )
        figure.draw(actual.lines())
    figure.draw(line(middle_of(found.columns), plotext.marker("hd", "red")))
    marks = list(range(0, len(times), max(1, len(times) * _APART // width)))
    figure.ruler("x").ticks(marks, [step(times[at]) for at in marks])
    drawn = str(figure.build())
    return drawn if colours else plotext.uncolorize(drawn)
