"""The sample: deterministic, in schema order, and its planted complements can be found."""

import itertools
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from data.command import run
from data.sample import shop
from data.sample.prepare import prepare


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    prepare(out)
    return out


def test_same_seed_same_bytes_other_seed_other_bytes(sample, tmp_path):
    name = "recommending/sample/interactions/interactions.csv"
    prepare(tmp_path / "again")
    prepare(tmp_path / "other", seed=1)
    assert (tmp_path / "again" / name).read_bytes() == (sample / name).read_bytes()
    assert (tmp_path / "other" / name).read_bytes() != (sample / name).read_bytes()


def test_a_build_is_made_once_and_again_when_a_file_is_gone(tmp_path, capsys):
    arguments = ["--out", str(tmp_path)]
    for expected in ("written to", "nothing to do"):
        run(prepare, "sample", tmp_path, arguments)
        assert expected in capsys.readouterr().out
    (tmp_path / "actuals.csv").unlink()
    run(prepare, "sample", tmp_path, arguments)
    assert "written to" in capsys.readouterr().out and (tmp_path / "actuals.csv").exists()


def test_related_goes_a_horizon_past_the_target(sample):
    target = pd.read_csv(sample / "forecasting/sample/target/target.csv", header=None)
    related = pd.read_csv(sample / "forecasting/sample/related/related.csv", header=None)
    assert target.groupby(0).size().eq(200).all() and target[0].nunique() == 12
    assert related.groupby(0).size().eq(214).all()
    assert pd.Timestamp(related[1].max()) - pd.Timestamp(target[1].max()) == pd.Timedelta(days=14)


def test_lower_prices_sell_more(sample):
    folder = sample / "forecasting/sample"
    target = pd.read_csv(folder / "target/target.csv", header=None, names=["item", "day", "units"])
    related = pd.read_csv(folder / "related/related.csv", header=None, names=["item", "day", "price"])
    both = target.merge(related, on=["item", "day"])
    offered = both.price < 0.9 * both.groupby("item").price.transform("max")
    lift = both[offered].groupby("item").units.mean() / both[~offered].groupby("item").units.mean()
    assert (lift > 1.2).all()


def test_enough_events_of_each_kind_for_a_recommender(sample):
    events = pd.read_csv(sample / "recommending/sample/interactions/interactions.csv")
    assert (events.EVENT_TYPE.value_counts() >= 1_000).all()
    assert set(events.EVENT_TYPE) == {"View", "Purchase"}
    assert (events.groupby("USER_ID").size() >= 2).sum() >= 25
    assert not events.duplicated().any()


def test_the_planted_item_is_what_is_bought_most_with_its_partner(sample):
    events = pd.read_csv(sample / "recommending/sample/interactions/interactions.csv")
    together = Counter()
    for basket in events[events.EVENT_TYPE == "Purchase"].groupby(["USER_ID", "TIMESTAMP"]).ITEM_ID:
        together.update(itertools.permutations(basket[1], 2))
    for first, second in shop.COMPLEMENTS:
        counts = {pair[1]: n for pair, n in together.items() if pair[0] == shop.item_id(first)}
        assert max(counts, key=counts.get) == shop.item_id(second), first
        others = [n for item, n in counts.items() if item != shop.item_id(second)]
        assert counts[shop.item_id(second)] >= 2 * max(others, default=1), first
