"""Public holidays of a country as features, by the library `holidays`.

Source: https://docs.aws.amazon.com/forecast/latest/dg/holidays.html
"""

import numpy as np
import pandas as pd

from storecast_engines.forecasting.frequency import offset

FEATURES = 3  # columns of `features`
NEAR = 7  # days: greater distances to a holiday count as this one


def features(timestamps: pd.DatetimeIndex, freq: str, country: str) -> np.ndarray:
    """(T, 3) public holidays within each time step, days until the next one after its start, days since the last one.

    `country` is a two-letter code. A step on a holiday has distance 0 both ways.
    """
    from holidays import country_holidays  # here, because few ask for it

    years = range(timestamps[0].year - 1, timestamps[-1].year + 2)
    days = np.array(sorted(country_holidays(country, years=years)), dtype="datetime64[D]")
    first = timestamps.to_numpy().astype("datetime64[D]")
    last = (timestamps + offset(freq) - pd.Timedelta(1, "ns")).to_numpy().astype("datetime64[D]")
    before, through = np.searchsorted(days, first), np.searchsorted(days, last, side="right")
    until = (days[before] - first).astype(int)
    since = np.maximum(last - days[through - 1], np.timedelta64(0, "D")).astype(int)
    return np.column_stack([through - before, np.minimum(until, NEAR), np.minimum(since, NEAR)])
