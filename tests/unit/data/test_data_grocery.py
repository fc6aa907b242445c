"""The real demo set, built once: what the services ask of it and what its README promises."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.grocery import demand, source
from data.grocery.prepare import prepare
from data.grocery_weekly.prepare import prepare as prepare_weekly


@pytest.fixture(scope="module")
def grocer() -> source.Grocer:
    return source.load()


@pytest.fixture(scope="module")
def demo(tmp_path_factory, grocer) -> Path:
    out = tmp_path_factory.mktemp("grocery")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "load", lambda: grocer)
        prepare(out / "daily", full=False, seed=0)
        prepare_weekly(out / "weekly", full=False, seed=0)
    return out


@pytest.fixture(scope="module")
def events(demo) -> pd.DataFrame:
    ids = {"USER_ID": str, "ITEM_ID": str}
    return pd.read_csv(demo / "daily/recommending/grocery/interactions/interactions.csv", dtype=ids)


def series(path: Path, *columns: str) -> pd.DataFrame:
    return pd.read_csv(path, header=None, names=["item_id", "timestamp", *columns], parse_dates=["timestamp"])


@pytest.mark.parametrize("build, folder", [("daily", "grocery"), ("weekly", "grocery_weekly")])
def test_files_follow_the_config(config, check_files, demo, build, folder):
    check_files(demo / build, config(folder))


@pytest.mark.parametrize("build, dataset, step", [("daily", "grocery", 1), ("weekly", "grocery-weekly", 7)])
def test_target_ends_28_days_before_related_and_nothing_has_gaps(demo, build, dataset, step):
    folder = demo / build / "forecasting" / dataset
    target = series(folder / "target/target.csv", "demand")
    related = series(folder / "related/related.csv", "price", "promotion_applied")
    metadata = pd.read_csv(folder / "metadata/metadata.csv", header=None)
    assert related.timestamp.max() - target.timestamp.max() == pd.Timedelta(days=28)
    assert related.timestamp.min() == target.timestamp.min()
    for table in (target, related):
        gaps = table.groupby("item_id").timestamp.diff().dropna()
        assert (gaps == pd.Timedelta(days=step)).all()
        assert table.groupby("item_id").size().nunique() == 1
        assert set(table.item_id) == set(metadata[0])
        assert table.notna().all(axis=None)
    if step == 7:
        assert (target.timestamp.dt.dayofweek == 0).all()
    assert (related.price > 0).all() and related.promotion_applied.between(0, 1).all()
    actuals = pd.read_csv(demo / build / "actuals.csv", parse_dates=["timestamp"])
    assert actuals.timestamp.min() - target.timestamp.max() == pd.Timedelta(days=step)
    assert actuals.timestamp.max() == related.timestamp.max()


def test_demo_size_and_rule_of_the_daily_series(demo):
    target = series(demo / "daily/forecasting/grocery/target/target.csv", "demand")
    assert 150 <= target.item_id.nunique() <= 200
    assert (target.groupby("item_id").demand.agg(lambda units: (units > 0).mean()) >= 0.98).all()


def test_demand_is_what_the_tills_counted(demo, grocer):
    milk = grocer.products[grocer.products.product_type == "FLUID MILK WHITE ONLY"].product_id
    sold = grocer.sales[grocer.sales.product_id.isin(milk)]
    # 04:59:59 UTC is still the evening before in the stores.
    first_of_may = sold.transaction_timestamp.between("2017-05-01 05:00:00", "2017-05-02 04:59:59")
    target = series(demo / "daily/forecasting/grocery/target/target.csv", "demand").set_index(["item_id", "timestamp"])
    assert target.demand["fluid-milk-white-only", "2017-05-01"] == sold.quantity[first_of_may].sum()


def test_promotions_and_lower_prices_go_with_more_demand(demo):
    folder = demo / "daily/forecasting/grocery"
    target = series(folder / "target/target.csv", "demand")
    both = target.merge(series(folder / "related/related.csv", "price", "promotion_applied"))
    columns = ["demand", "price", "promotion_applied"]
    weekly = both.groupby(["item_id", pd.Grouper(key="timestamp", freq="W")])[columns].mean()
    relative = weekly[["demand", "price"]].map(np.log1p).assign(promotion_applied=weekly.promotion_applied)
    within = relative - relative.groupby("item_id").transform("mean")
    assert within.corr().price.demand < -0.3 and within.corr().promotion_applied.demand > 0.3


def test_related_does_not_know_the_held_out_demand(grocer, monkeypatch):
    # Stands in for the mailer, with a value that depends on each product: another set or weight of products shows.
    monkeypatch.setattr(source, "stores_featuring", lambda ids: np.outer(ids % 97, np.arange(54)) / 10_000)
    sales = demand.with_series(grocer)
    ids = ["fluid-milk-white-only", "soft-drinks-12-to-18-cans"]
    small = sales[sales.series_id.isin(ids)]
    held_out = small.day > demand.last_history_day()
    doubled = small.assign(
        quantity=small.quantity * np.where(held_out, 2, 1), paid=small.paid * np.where(held_out, 2, 1)
    )
    was, now = (demand.demand_files(table, grocer.products, ids, "D") for table in (small, doubled))
    pd.testing.assert_frame_equal(was.related, now.related)
    pd.testing.assert_frame_equal(was.metadata, now.metadata)
    assert now.actuals.demand.sum() == 2 * was.actuals.demand.sum()


def test_interactions_meet_the_recommenders_minimum(events):
    counts = events.EVENT_TYPE.value_counts()
    assert counts.View >= 1_000 and counts.Purchase >= 1_000
    assert counts.View > counts.AddToCart > counts.Purchase
    assert 150_000 <= len(events) <= 250_000
    assert (events.groupby("USER_ID").size() >= 2).sum() >= 25
    assert not events.duplicated().any()


def test_timestamps_are_seconds_of_the_year_and_end_with_a_purchase(events):
    assert pd.to_datetime(events.TIMESTAMP, unit="s").between("2017-11-15", "2018-01-01 05:00:00").all()
    assert events.TIMESTAMP.is_monotonic_increasing
    assert events.EVENT_TYPE.iloc[-1] == "Purchase"


def test_every_purchase_was_carted_and_viewed_before_and_every_cart_viewed(events):
    view, cart, purchase = (
        events[events.EVENT_TYPE.eq(kind)][["USER_ID", "ITEM_ID", "TIMESTAMP"]].assign(before=events.TIMESTAMP)
        for kind in ("View", "AddToCart", "Purchase")
    )
    keys = {"on": "TIMESTAMP", "by": ["USER_ID", "ITEM_ID"], "allow_exact_matches": False}
    carted = pd.merge_asof(cart.drop(columns="before"), view, **keys)
    bought = pd.merge_asof(purchase.drop(columns="before"), cart, **keys)
    assert carted.before.notna().all() and bought.before.notna().all()
    assert (bought.TIMESTAMP - bought.before <= 4 * 86_400).all()


def test_items_and_users_are_those_of_the_interactions(demo, events):
    items = pd.read_csv(demo / "daily/recommending/grocery/items/items.csv", dtype={"ITEM_ID": str})
    users = pd.read_csv(demo / "daily/recommending/grocery/users/users.csv", dtype=str, keep_default_na=False)
    assert items.ITEM_ID.is_unique and items.PRODUCT_NAME.is_unique and users.USER_ID.is_unique
    assert set(items.ITEM_ID) == set(events.ITEM_ID) and set(users.USER_ID) == set(events.USER_ID)
    assert (items.PRICE > 0).all()
    assert not items.CATEGORY_L2.str.contains("igarette|obacco").any()


def test_summary_says_what_is_simulated_and_a_second_run_writes_nothing(demo, monkeypatch):
    path = demo / "daily/summary.json"
    summary = json.loads(path.read_text())
    assert "View and AddToCart events are SIMULATED" in summary["simulated"]
    assert "MIT" in summary["licence"]
    assert summary["figures"]["series"] == summary["files"]["forecasting/grocery/metadata/metadata.csv"]
    monkeypatch.setattr(source, "load", lambda: pytest.fail("the build was there and is made again"))
    assert prepare(demo / "daily", full=False, seed=0).key == summary["key"]
