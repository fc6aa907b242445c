"""Reproducible training for both networks: a fixed seed, one thread, and torch's global state restored."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

SEED = 7


@contextmanager
def seeded() -> Iterator[np.random.Generator]:
    """A context in which torch and numpy draw the same numbers each time, on one thread.

    Yields a numpy generator; numpy's global one is seeded too, since gluonts draws from it.
    """
    threads, state = torch.get_num_threads(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            np.random.seed(SEED)
            torch.set_num_threads(1)
            yield np.random.default_rng(SEED)
    finally:
        torch.set_num_threads(threads)
        np.random.set_state(state)
