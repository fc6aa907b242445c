"""A small shop with known habits: 60 users, 40 items, planted pairs, and enough events for every recipe's minimum."""

import numpy as np
import pandas as pd
import pytest

DAY = 86_400
START = 1_600_000_000
PAIRS = {"printer": "ink", "tent": "pegs"}


def log(rows: list[tuple]) -> pd.DataFrame:
    """Interactions from (user, item, timestamp, event type) rows."""
    return pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"])


@pytest.fixture(scope="session")
def shop() -> pd.DataFrame:
    """60 users with 12 daily visits. Users of even number like even items. A printer always brings ink along, a tent
    pegs; every fourth basket holds the best seller "milk"."""
    rng = np.random.default_rng(7)
    rows = []
    for user in range(60):
        for visit in range(12):
            now = START + visit * DAY + int(rng.integers(0, DAY // 2))
            liked = [f"item-{2 * i + user % 2:02d}" for i in rng.choice(18, 3, replace=False)]
            planted = [["printer", "ink"], ["tent", "pegs"], [], []][int(rng.integers(4))]
            milk = ["milk"] if rng.random() < 0.25 else []
            for place, item in enumerate(liked + planted + milk):
                rows.append((f"u{user:02d}", item, now + place * 60, "View"))
                rows.append((f"u{user:02d}", item, now + place * 60 + 10, "Purchase"))
    return log(rows)
