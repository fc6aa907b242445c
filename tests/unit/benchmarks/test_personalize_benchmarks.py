"""Personalize's benchmarks in small: what they plant is found, and what they need and lack is said."""

import pytest

from benchmarks import baskets, personalized, planted, shop


@pytest.mark.parametrize("kind", ["Purchase", "View"])
def test_planted_partners_are_among_the_first_ten(kind) -> None:
    made = planted.shop(users=500, items=200, visits=8)
    shown = made.both[kind] >= 3
    assert shown.sum() >= 40
    assert planted.found(made, kind)[shown].mean() >= 0.9
    assert planted.found(planted.shop(500, 200, 8, together=0.0), kind)[shown].mean() < 0.3


def test_companions_of_baskets_are_asked_of_later_baskets(monkeypatch, capsys) -> None:
    made = planted.shop(users=300, items=60, visits=12, together=0.5).interactions
    monkeypatch.setattr(baskets, "grocery", lambda: made[made["EVENT_TYPE"] == "Purchase"])
    monkeypatch.setattr(baskets, "BEST_SELLERS", 5)
    baskets.main(["--discounts", "0", "1"])
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[2:]]
    assert [row[0].strip("| ") for row in rows] == ["to choose"] * 2 + ["to report"] * 2
    assert all(float(row[2]) > 0.3 for row in rows)
    assert all(0 < float(row[3]) < 1 for row in rows)


def test_recommended_for_you_is_measured_beside_als_on_the_same_requests(tmp_path, monkeypatch, capsys) -> None:
    folder = tmp_path / personalized.PLACE
    folder.mkdir(parents=True)
    made = planted.shop(users=120, items=60, visits=6, together=0.5).interactions.drop_duplicates()
    made.to_csv(folder / "ml-latest-small.csv", index=False)
    monkeypatch.setattr(personalized, "FOLDS", 2)
    monkeypatch.setattr(personalized, "DATA", {"ml-latest-small": personalized.ml_latest_small})
    personalized.main(["--shared", str(tmp_path)])
    printed = capsys.readouterr().out
    assert f"{len(made)} events, 120 users" in printed
    assert len(printed.splitlines()) == 5 + len(personalized.MODELS)


@pytest.mark.parametrize("benchmark", [personalized, shop], ids=lambda module: module.__name__)
def test_benchmarks_of_others_data_say_what_is_missing(benchmark, capsys, monkeypatch) -> None:
    monkeypatch.delenv("STORECAST_SHARED", raising=False)
    benchmark.main([])
    assert capsys.readouterr().out.startswith(f"Skipped: there is no {benchmark.PLACE} because neither")
