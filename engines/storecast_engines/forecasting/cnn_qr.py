"""CNN-QR: a convolutional network that forecasts the quantiles of every step at once (Amazon Forecast guide,
"CNN-QR Algorithm").

The service's own network is not published. This is MQ-CNN: Wen, Torkkola, Narayanaswamy and Madeka, "A Multi-Horizon
Quantile Recurrent Forecaster" (arXiv 1711.11053), with a stack of dilated causal convolutions as its encoder. At each
of many origins of a window (the paper's forking sequences) a global network turns what was read so far into one
context per step ahead and one for all of them; a local network turns those, and the step's known features, into its
quantiles. torch comes with the extra `storecast-engines[neural]`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from storecast_engines.forecasting import holidays
from storecast_engines.forecasting.cold_start import mean_size
from storecast_engines.forecasting.fallback import with_fallback
from storecast_engines.forecasting.features import codes, standardised
from storecast_engines.forecasting.frequency import parse, seasons
from storecast_engines.forecasting.neural import seeded
from storecast_engines.forecasting.panel import Panel, Prediction
from storecast_engines.forecasting.quantiles import check_levels

# the guide's derived features: pandas' name and the length of the cycle
FIELDS = {"minute": 60, "hour": 24, "dayofweek": 7, "day": 31, "month": 12, "dayofyear": 366}
DERIVED = {
    "Y": (),
    "M": ("month",),
    "W": ("day", "dayofyear"),
    "D": ("dayofweek", "day", "dayofyear"),
    "H": ("hour", "dayofweek", "day", "dayofyear"),
    "min": ("minute", "hour", "dayofweek", "day", "dayofyear"),
}
RELATED = {"ALL": (True, True), "NONE": (False, False), "HISTORICAL": (True, False), "FORWARD_LOOKING": (False, True)}
SHORTEST, LONGEST = 10, 500  # context_length
CHANNELS, STEP_CONTEXT, HIDDEN = 32, 8, 64  # widths of the encoder, of a step's context, of the decoder's layers
WINDOWS, FORKS = 16, 48  # in a batch, and origins in a window
BATCHES = 6  # at most, in an epoch: bounds the time that large panels take
LEARNING_RATE = 4e-3  # the highest of the one-cycle schedule
HIDDEN_HISTORIES = 0.1  # windows without their history, where an item without history is to be forecast
AT_ONCE = 256  # series forecast together


def forecast(
    panel: Panel,
    horizon: int,
    levels: Sequence[float],
    *,
    context_length: int | None = None,
    use_related_data: str = "ALL",
    use_item_metadata: str = "ALL",
    epochs: int = 100,
) -> Prediction:
    """One network for all series, trained for each forecast with a fixed seed; the mean is the median (guide).

    The hyperparameters are the guide's. context_length: time steps that are read before a forecast, 10 to 500; default
    four horizons, or two of the longest season if that is more. use_related_data: ALL, NONE, HISTORICAL or
    FORWARD_LOOKING; NONE and HISTORICAL leave out the holidays too. use_item_metadata: ALL or NONE. epochs: passes over
    the history, each of at most 6 batches of 768 origins. A series without history takes its size from
    similar series and its course from metadata and related series. A panel without any value gets zeros.

    Raises ValueError for a hyperparameter out of range.
    """
    tau = check_levels(levels)
    if use_related_data not in RELATED:
        raise ValueError(f"CNN-QR: use_related_data is {use_related_data!r}, allowed are {', '.join(RELATED)}")
    if use_item_metadata not in ("ALL", "NONE"):
        raise ValueError(f"CNN-QR: use_item_metadata is {use_item_metadata!r}, allowed are ALL, NONE")
    if epochs < 1 or not SHORTEST <= (context_length or SHORTEST) <= LONGEST:
        raise ValueError(
            f"CNN-QR: epochs ({epochs}) must be at least 1 and context_length ({context_length}) "
            f"from {SHORTEST} to {LONGEST}"
        )
    natural = max(4 * horizon, *(2 * season for season in (*seasons(panel.freq), 1)))
    context = context_length or int(np.clip(natural, SHORTEST, LONGEST))
    learned = np.unique([*tau, 0.5])
    history = _history(panel, horizon, RELATED[use_related_data], use_item_metadata == "ALL")
    values = np.full((len(panel.target), horizon, len(learned)), np.nan)
    if history.known.any():
        with seeded() as rng:
            net = Network(history, horizon, context, len(learned))
            _train(net, history, context, learned, epochs, rng)
            values = np.sort(_predict(net, history, context), axis=2) * history.scale[:, None, None]
    return with_fallback(
        panel, values[:, :, np.searchsorted(learned, tau)], values[:, :, np.searchsorted(learned, 0.5)], levels
    )


@dataclass(frozen=True)
class History:
    """The network's inputs for n series, T steps of history and H ahead, as float32."""

    target: np.ndarray  # (n, T) divided by the series' scale, 0 where it is not known
    known: np.ndarray  # (n, T) bool
    scale: np.ndarray  # (n,) > 0, the mean size of a series' values, that of similar series if it has none
    past: np.ndarray  # (n, T, p) historical related series
    ahead: np.ndarray  # (n, T+H, f) forward-looking related series
    calendar: np.ndarray  # (T+H, c)
    codes: np.ndarray  # (n, m) int64, metadata

    def windows(self, i: np.ndarray, last: np.ndarray, length: int) -> torch.Tensor:
        """(B, length, 2 + p + f + c) the steps up to `last` (B,) of the series i (B,), nothing before the history."""
        t = last[:, None] + np.arange(1 - length, 1)
        at, i = np.maximum(t, 0), i[:, None]
        seen = (self.known[i, at] & (t >= 0)).astype(np.float32)
        values = self.target[i, at] * seen
        parts = values[..., None], seen[..., None], self.past[i, at], self.ahead[i, at], self.calendar[at]
        return torch.from_numpy(np.concatenate(parts, axis=2))

    def steps_ahead(self, i: np.ndarray, at: np.ndarray) -> torch.Tensor:
        """(B, F, H, f + c) known features of the steps `at` (B, F, H) of the series i (B,)."""
        at = np.clip(at, 0, len(self.calendar) - 1)
        return torch.from_numpy(np.concatenate([self.ahead[i[:, None, None], at], self.calendar[at]], axis=3))


def _history(panel: Panel, horizon: int, related: tuple[bool, bool], metadata: bool) -> History:
    n, steps = panel.target.shape
    scale = mean_size(panel)
    historical, forward = related
    past, ahead = np.empty((n, steps, 0)), np.empty((n, steps + horizon, 0))
    if panel.related is not None and panel.future_steps >= horizon and forward:
        ahead = standardised(panel.related[:, : steps + horizon])
    elif panel.related is not None and panel.future_steps < horizon and historical:
        past = standardised(panel.related[:, :steps])
    return History(
        (np.nan_to_num(panel.target) / scale[:, None]).astype(np.float32),
        ~np.isnan(panel.target),
        scale,
        past.astype(np.float32),
        ahead.astype(np.float32),
        _calendar(panel, horizon, with_holidays=forward),
        codes(panel).astype(np.int64) if metadata else np.empty((n, 0), np.int64),
    )


def _calendar(panel: Panel, horizon: int, with_holidays: bool) -> np.ndarray:
    """(T+H, c) two sine and cosine pairs per derived feature; the place in the year only if a year was seen."""
    timestamps = panel.timestamps.append(panel.future(horizon))
    columns = [np.empty((len(timestamps), 0))]
    for name in DERIVED[parse(panel.freq)[1]]:
        if name != "dayofyear" or (panel.timestamps[-1] - panel.timestamps[0]).days > 366:
            angle = 2 * np.pi / FIELDS[name] * np.outer(getattr(timestamps, name), [1, 2])
            columns += [np.sin(angle), np.cos(angle)]
    if panel.country and with_holidays:
        columns.append(holidays.features(timestamps, panel.freq, panel.country))
    return np.hstack(columns).astype(np.float32)


class Causal(nn.Module):
    """A residual convolution over a step and the one `dilation` before it."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.pad = nn.ConstantPad1d((dilation, 0), 0.0)
        self.convolve = nn.Conv1d(CHANNELS, CHANNELS, 2, dilation=dilation)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.convolve(self.pad(x)))


class Network(nn.Module):
    def __init__(self, history: History, horizon: int, context: int, quantiles: int) -> None:
        super().__init__()
        self.horizon = horizon
        sizes = (history.codes.max(axis=0, initial=0) + 1).tolist()
        self.embeddings = nn.ModuleList(nn.Embedding(size, min(50, (size + 1) // 2)) for size in sizes)
        static = sum(each.embedding_dim for each in self.embeddings)
        ahead = history.ahead.shape[2] + history.calendar.shape[1]
        dilations = [2**k for k in range(int(np.ceil(np.log2(context))))]
        self.read = nn.Sequential(
            nn.Conv1d(2 + history.past.shape[2] + ahead, CHANNELS, 1), *[Causal(dilation) for dilation in dilations]
        )
        self.contexts = nn.Sequential(
            nn.Linear(CHANNELS + static + horizon * ahead, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, (horizon + 1) * STEP_CONTEXT),
        )
        self.local = nn.Sequential(
            nn.Linear(2 * STEP_CONTEXT + static + ahead, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, quantiles)
        )

    def forward(self, windows: torch.Tensor, codes: torch.Tensor, ahead: torch.Tensor) -> torch.Tensor:
        """(B, F, H, Q) from windows (B, L, .), codes (B, m), and ahead (B, F, H, .) of the windows' F last origins."""
        batch, forks, horizon, _ = ahead.shape
        read = self.read(windows.transpose(1, 2)).transpose(1, 2)[:, -forks:]
        embedded = [embedding(codes[:, k]) for k, embedding in enumerate(self.embeddings)]
        static = torch.cat([*embedded, read.new_empty(batch, 0)], dim=1)[:, None].expand(-1, forks, -1)
        contexts = self.contexts(torch.cat([read, static, ahead.flatten(2)], dim=2))
        contexts = contexts.view(batch, forks, horizon + 1, STEP_CONTEXT)
        of_step, of_all = contexts[:, :, 1:], contexts[:, :, :1].expand(-1, -1, horizon, -1)
        static = static[:, :, None].expand(-1, -1, horizon, -1)
        return self.local(torch.cat([of_step, of_all, static, ahead], dim=3))


def _train(
    net: Network, history: History, context: int, learned: np.ndarray, epochs: int, rng: np.random.Generator
) -> None:
    """Adam on the quantile loss, every series as likely as any other to give a window."""
    known = history.known
    steps = known.shape[1]
    series = np.flatnonzero(known.any(axis=1))
    newest = steps - 2 - np.argmax(known[:, ::-1], axis=1)  # the last origin that has a known value ahead of it
    oldest = np.minimum(np.argmax(known, axis=1), newest)
    cold = HIDDEN_HISTORIES if len(series) < len(known) else 0.0
    tau = torch.tensor(learned, dtype=torch.float32)
    batches = epochs * min(BATCHES, -(-known.sum() // (WINDOWS * FORKS)))
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=int(batches) + 1)
    for _ in range(batches):
        i = rng.choice(series, WINDOWS)
        last = rng.integers(oldest[i], newest[i] + 1)
        windows = history.windows(i, last, context + FORKS)
        windows[rng.random(WINDOWS) < cold, :, :2] = 0
        at = (last[:, None] + np.arange(1 - FORKS, 1))[:, :, None] + np.arange(1, net.horizon + 1)
        inside, within = (at >= 0) & (at < steps), np.clip(at, 0, steps - 1)
        actual = torch.from_numpy(history.target[i[:, None, None], within])
        counts = torch.from_numpy(history.known[i[:, None, None], within] & inside)
        over = actual[..., None] - net(windows, torch.from_numpy(history.codes[i]), history.steps_ahead(i, at))
        loss = torch.maximum(tau * over, (tau - 1) * over)[counts].mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()


@torch.no_grad()
def _predict(net: Network, history: History, context: int) -> np.ndarray:
    """(n, H, Q) from the end of the history, in units of each series' scale."""
    n, steps = history.target.shape
    ahead = steps + np.arange(net.horizon)
    found = []
    for i in np.array_split(np.arange(n), -(-n // AT_ONCE)):
        windows = history.windows(i, np.full(len(i), steps - 1), context + 1)
        at = np.broadcast_to(ahead, (len(i), 1, net.horizon))
        found.append(net(windows, torch.from_numpy(history.codes[i]), history.steps_ahead(i, at))[:, 0])
    return torch.cat(found).numpy().astype(float)
