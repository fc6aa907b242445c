"""One thing at a time that goes wrong in the middle of a run, and what must come of it."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

import pytest

from localaws.emulator import limits
from localaws.faults import Fault, write
from tests.faults.pipelines import RECOMMENDING, series, shop
from tests.faults.promises import recommended_otherwise
from tests.faults.world import World

_TIMED_OUT = {"error": "Sandbox.Timedout", "message": "Task timed out after 60.00 seconds", "times": 1, "after": True}
_LOST = {"error": "ServiceUnavailable", "status": 503, "times": 1, "after": True}
_IN_THE_IMPORT = 5.3  # seconds after an upload: five of settling, then Plan, Ensure and Load
_IN_THE_TRAINING = 25.0


def _target(seed: int, poison: bool = False) -> str:
    return series(random.Random(seed), "target", poison)


def _interactions(seed: int, poison: bool = False) -> str:
    return shop(random.Random(seed), "interactions", poison)


def _delivery(world: World, *faults: Fault, file: str = "target/a.csv", seed: int = 0) -> None:
    write(world.inside.settings.faults, faults)
    world.upload(file, world.pipeline.text(random.Random(seed), file.partition("/")[0]))


def _later(world: World, seconds: float, what: Callable[..., None], *given: str) -> None:
    world.clock.at(seconds, lambda: what(*given), outside=True)


def _all_well(world: World, working: int = 1) -> None:
    """So many runs trained, each succeeded, and what serves covers what is there."""
    trained = [run for run in world.runs() if run.passed("Train")]
    assert [run.status for run in trained] == ["SUCCEEDED"] * working, [(run.error, run.cause) for run in trained]
    _covered(world)


def _covered(world: World) -> None:
    assert world.holder() is None
    world.start({})
    world.go()
    said = world.runs()[-1].output["summary"].get("nothingNew", "")
    assert said.startswith("nothing new"), (said, world.runs()[-1].cause)
    there = [value for text in world.files().values() for value in world.pipeline.values(text)]
    assert sorted(world.imported("target")) == sorted(there)


def a_step_that_runs_out_of_time_after_its_call_makes_nothing_twice(world: World) -> None:
    steps = ("plan", "ensure", "load", "train", "compare", "forecast", "export", "publish")
    _delivery(world, *(Fault("lambda:InvokeFunction", f"forecasting.{step}", **_TIMED_OUT) for step in steps))
    world.go()
    assert len(world.inside.switch.met) == len(steps)
    _all_well(world)
    for kind in ("DatasetGroup", "DatasetImportJob", "Predictor", "Forecast", "ForecastExportJob"):
        assert len(world.resources(kind)) == 1, kind


def a_creation_whose_answer_is_lost_is_found_again(world: World) -> None:
    kinds = ("Dataset", "DatasetGroup", "DatasetImportJob", "Predictor", "Forecast", "ForecastExportJob")
    _delivery(world, *(Fault(f"forecast:Create{kind}", **_LOST) for kind in kinds))
    world.go()
    assert len(world.inside.switch.met) == len(kinds)
    _all_well(world)


def the_lock_is_passed_on_in_spite_of_lost_answers(world: World) -> None:
    """Its calls go through and nobody hears: taken, marked, unmarked, handed over, taken over, released."""
    calls = [("PutItem", ""), ("UpdateItem", ":me"), ("UpdateItem", ":next"), ("PutItem", ":ended"), ("DeleteItem", "")]
    lost = [Fault(f"dynamodb:{operation}", containing, **_LOST) for operation, containing in calls]
    _delivery(world, *lost, Fault("states:StartExecution", **_LOST))
    _later(world, _IN_THE_IMPORT, world.stop)
    _later(world, 20, world.upload, "target/b.csv", _target(1))
    _later(world, 75, world.upload, "target/c.csv", _target(2))
    world.go()
    assert len(world.inside.switch.met) == len(calls) + 1
    _all_well(world, working=2)


def a_lock_that_cannot_be_taken_is_told_and_the_sweep_goes_on(world: World) -> None:
    _delivery(world, Fault("dynamodb:*", error="InternalServerError", status=500))
    world.go()
    [run], [told] = world.runs(), world.told()
    assert run.status == "FAILED" and told["subject"] == "Storecast: forecasting FAILED in Take the lock"
    write(world.inside.settings.faults, [])
    world.start({})
    world.go()
    _all_well(world)


def minutes_of_throttling_are_waited_for(world: World) -> None:
    describes = ("DatasetImportJob", "Predictor", "Forecast")
    throttled = {"error": "ThrottlingException", "message": "Rate exceeded"}
    slow = [Fault(f"forecast:Describe{kind}", **throttled, times=9) for kind in describes]
    _delivery(world, *slow, Fault("forecast:CreateForecast", **throttled, times=30))
    world.go()
    _all_well(world)


def a_full_quota_is_waited_for(world: World) -> None:
    _delivery(world, Fault("forecast:Create*Job", error="LimitExceededException", times=40))
    world.go()
    _all_well(world)


def a_file_replaced_in_mid_run_is_in_the_model(world: World) -> None:
    """Also where it is put back at once: what was imported meanwhile is not what it holds."""
    for back in (False, True):
        world.begin(1, [])
        _delivery(world)
        _later(world, _IN_THE_IMPORT, world.upload, "target/a.csv", _target(1))
        if back:
            _later(world, _IN_THE_TRAINING, world.upload, "target/a.csv", _target(0))
        world.go()
        _covered(world)


def a_file_deleted_in_mid_run_is_not_in_the_model(world: World) -> None:
    _delivery(world)
    world.upload("target/b.csv", _target(1))
    _later(world, _IN_THE_IMPORT, world.delete, "target/b.csv")
    world.go()
    _all_well(world)


def a_process_killed_in_mid_run_leaves_nothing_behind(world: World) -> None:
    """The run that was at work has failed; the next event takes over its lock and goes on."""
    _delivery(world)
    _later(world, _IN_THE_TRAINING, world.crash)
    _later(world, 60, world.start, {})
    world.go()
    dead, after = world.runs()
    assert (dead.status, dead.error) == ("FAILED", "States.ServiceRestart") and after.passed("Take over the lock")
    assert after.status == "SUCCEEDED"
    _covered(world)


def a_run_that_a_limit_of_step_functions_ends_loses_no_delivery(world: World) -> None:
    """Nothing in it can release the lock; the next start takes it over, and covers what came during that run."""
    for limit, value, error in (
        ("HISTORY_EVENTS", 150, "States.Runtime"),
        ("STATE_BYTES", 5_000, "States.DataLimitExceeded"),
    ):
        world.begin(0, [])
        _delivery(world)
        _later(world, _IN_THE_IMPORT - 2, world.upload, "target/b.csv", _target(1))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(limits, limit, value)
            world.go()
        dead, joined = world.runs()
        assert (dead.status, dead.error, joined.status) == ("FAILED", error, "SUCCEEDED"), dead.cause
        assert world.holder() == dead.arn and not dead.passed("Notify failure")
        world.start({})
        world.go()
        assert world.runs()[-1].passed("Take over the lock")
        assert world.runs()[-1].status == "SUCCEEDED"
        _covered(world)


def a_run_stopped_by_hand_leaves_its_place(world: World) -> None:
    """Its import ends after that of the next run, which has read another file."""
    _delivery(world)
    _later(world, _IN_THE_IMPORT, world.stop)
    _later(world, _IN_THE_IMPORT + 1, world.upload, "target/a.csv", _target(1))
    world.go()
    assert [run.status for run in world.runs()][:2] == ["ABORTED", "SUCCEEDED"]
    _covered(world)


def two_hundred_uploads_in_a_minute_lead_to_one_run_and_one_after_it(world: World) -> None:
    """Of forty files, each delivered five times with other rows."""
    chance, full = random.Random(0), {"error": "LimitExceededException", "times": 8}
    # After a minute the first run is still at work.
    write(world.inside.settings.faults, [Fault("forecast:CreatePredictor", **full)])
    for number in range(200):
        text = f"milk,2025-01-{chance.randint(1, 20):02d},{chance.randrange(100)}\n"
        _later(world, chance.uniform(0, 60), world.upload, f"target/f{number % 40}.csv", text)
    world.go()
    looked = [run for run in world.runs() if run.passed("Plan")]
    assert [run.status for run in looked] == ["SUCCEEDED"] * 2 and len(world.runs()) == 201
    _covered(world)


def a_clock_set_back_makes_no_run_look_older(world: World) -> None:
    _delivery(world)
    world.go()
    first = world.newest()["run"]
    world.clock.set(-3600)
    _delivery(world, seed=1)
    world.go()
    assert world.newest()["run"] > first
    _all_well(world, working=2)


def an_upload_without_its_event_is_found_by_the_sweep(world: World) -> None:
    _delivery(world)
    world.go()
    world.upload("target/b.csv", _target(1), False)
    world.go()
    world.start({})
    world.go()
    _all_well(world, working=2)


def a_poison_file_is_set_aside_and_the_rest_goes_on(world: World) -> None:
    _delivery(world)
    world.upload("target/b.csv", _target(1, poison=True))
    world.go()
    _all_well(world)
    told = [each["subject"] for each in world.told()]
    assert told == ["Storecast: forecasting put b.csv into quarantine", "Storecast: forecasting succeeded"], told


def a_file_that_left_for_quarantine_unheard_fails_no_run(world: World) -> None:
    """The answer to the delete of the original is lost; asked again, S3 finds no such key."""
    _delivery(world, Fault("s3:DeleteObject", **_LOST))
    world.upload("target/b.csv", _target(1, poison=True))
    world.go()
    _all_well(world)
    told = [each["subject"] for each in world.told()]
    assert told == ["Storecast: forecasting put b.csv into quarantine", "Storecast: forecasting succeeded"], told


def the_last_file_of_its_kind_fails_the_run_and_the_next_ones_wait(world: World) -> None:
    _delivery(world, file="related/a.csv")
    world.upload("target/a.csv", _target(1, poison=True))
    world.go()
    [failed] = [run for run in world.runs() if run.status == "FAILED"]
    assert "'poison'" in failed.cause and "it is in quarantine now: s3://data/quarantine/" in failed.cause
    for _ in range(2):
        world.start({})
        world.go()
        assert world.runs()[-1].output["summary"]["nothingNew"].startswith("waits: the last target file is in")
    assert [each["subject"] for each in world.told()] == [
        "Storecast: forecasting put a.csv into quarantine",
        "Storecast: forecasting FAILED in Plan",
    ]


def recommendations_are_trained_once_in_spite_of_lost_answers(world: World) -> None:
    """Also a solution version, which has no name to be found again by, and a campaign's update."""
    world.begin(0, [], RECOMMENDING)
    calls = ("Schema", "Dataset", "DatasetGroup", "DatasetImportJob", "Solution", "SolutionVersion", "Campaign")
    steps = ("plan", "ensure", "load", "recommend", "evaluate", "publish")
    cut_off = [Fault("lambda:InvokeFunction", f"recommending.{step}", **_TIMED_OUT) for step in steps]
    faults = [*(Fault(f"personalize:Create{kind}", **_LOST) for kind in calls), *cut_off]
    for number in (1, 2):
        write(world.inside.settings.faults, [*faults, Fault("personalize:UpdateCampaign", **_LOST)])
        world.upload("interactions/a.csv", _interactions(number))
        world.go()
        run = world.runs()[-1]
        assert run.status == "SUCCEEDED", (run.error, run.cause)
        made = {kind: len(world.resources(kind)) for kind in ("DatasetImportJob", "SolutionVersion", "Campaign")}
        assert made == {"DatasetImportJob": number, "SolutionVersion": number, "Campaign": 1}
    assert len(world.inside.switch.met) >= len(faults) + 1
    world.start({})
    world.go()
    assert world.runs()[-1].output["summary"]["nothingNew"].startswith("nothing new")


def a_recommender_that_failed_is_made_anew(world: World) -> None:
    world.begin(0, [], RECOMMENDING)
    _delivery(world, Fault("job:personalize:Recommender", error="X", times=1), file="interactions/a.csv")
    world.go()
    world.start({})
    world.go()
    assert [run.status for run in world.runs()] == ["FAILED", "SUCCEEDED"], world.runs()[-1].cause
    assert [each.status for each in world.resources("Recommender")] == ["ACTIVE"]


def what_a_stopped_run_began_to_train_takes_up_what_came_since(world: World) -> None:
    """Also where the answer to the update gets lost."""
    world.begin(0, [], RECOMMENDING)
    lost = [Fault(f"personalize:{verb}Recommender", **_LOST) for verb in ("Create", "Update")]
    _delivery(world, *lost, file="interactions/a.csv")
    world.inside.jobs.lasting["recommender"] = 100
    _later(world, 60, world.stop)
    _later(world, 61, world.upload, "interactions/a.csv", _interactions(1))
    world.go()
    assert [run.status for run in world.runs()] == ["ABORTED", "SUCCEEDED"], world.runs()[-1].cause
    assert list(recommended_otherwise(world)) == []


def what_recommends_is_of_the_files_that_are_there_again(world: World) -> None:
    """A run over other files trained the recommender, failed over something else, and the files were put back."""
    world.begin(0, [], RECOMMENDING)
    failing = Fault("job:personalize:SolutionVersion", error="X", times=1)
    for number, faults in ((1, []), (2, [failing]), (1, [])):
        _delivery(world, *faults, file="interactions/a.csv", seed=number)
        world.go()
    assert [run.status for run in world.runs()] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert list(recommended_otherwise(world)) == []


def a_dataset_group_that_failed_is_made_anew(world: World) -> None:
    """The process was killed in the moment in which it was made; later in that of its datasets."""
    world.begin(0, [], RECOMMENDING)
    _delivery(world, file="interactions/a.csv")
    _later(world, 5.5, world.crash)
    _later(world, 10, world.start, {})
    _later(world, 28, world.crash)
    world.go()
    assert [each.status for kind in ("DatasetGroup", "Dataset") for each in world.resources(kind)] == [
        "ACTIVE",
        "CREATE FAILED",
    ]
    world.start({})
    world.go()
    assert [run.status for run in world.runs()] == ["FAILED", "FAILED", "SUCCEEDED"], world.runs()[-1].cause


def two_poison_files_are_told_once_each(world: World) -> None:
    world.begin(0, [], RECOMMENDING)
    for number, name in enumerate("abc"):
        world.upload(f"interactions/{name}.csv", _interactions(number, poison=name != "c"))
    world.go()
    told = [each["subject"].removeprefix("Storecast: recommending ") for each in world.told()]
    assert told == ["put 2 files into quarantine", "succeeded"], told


def a_poison_file_of_interactions_is_set_aside(world: World) -> None:
    world.begin(0, [], RECOMMENDING)
    world.upload("interactions/a.csv", _interactions(1))
    world.upload("interactions/b.csv", _interactions(2, poison=True))
    world.go()
    told = [each["subject"] for each in world.told()]
    assert told[0] == "Storecast: recommending put b.csv into quarantine" and "succeeded" in told[1] and len(told) == 2
    assert list(world.files()) == ["recommending/sample/interactions/a.csv"]


def series_as_people_have_them_are_imported_and_what_is_no_series_is_set_aside(world: World) -> None:
    """In another order, another case, compressed, in capitals; a book, a header without its target, and rows in CR."""
    lines = [line.split(",") for line in _target(0).splitlines()]
    own = [(f"item{number}", day, sold) for number, (_, day, sold) in enumerate(lines)]  # nothing overlaps
    fourth = len(own) // 4
    parts = [own[at * fourth : (at + 1) * fourth] for at in range(4)]
    orders = [
        "timestamp,demand,item_id\n" + "".join(f"{day},{sold},{item}\n" for item, day, sold in parts[0]),
        "Item_ID,Timestamp,DEMAND\n" + "".join(f"{','.join(row)}\n" for row in parts[1]),
        "item_id,timestamp,demand\n" + "".join(f"{','.join(row)}\n" for row in parts[3]),
    ]
    zipped = gzip.compress("".join(f"{','.join(row)}\n" for row in parts[2]).encode())
    world.upload("target/order.csv", orders[0])
    world.upload("target/case.csv", orders[1])
    world.upload("target/zip.csv.gz", zipped)
    world.upload("target/UP.CSV", orders[2])
    world.upload("target/book.xlsx", b"PK")
    world.upload("target/sales.csv", "item_id,timestamp,sales\nmilk,2026-01-01,3\n")
    world.upload("target/cr.csv", "milk,2026-01-01,3\rmilk,2026-01-02,3\r")
    world.go()
    told = [each["subject"].removeprefix("Storecast: forecasting ") for each in world.told()]
    assert told == ["put 3 files into quarantine", "succeeded"], (told, world.runs()[-1].cause)
    delivered = [float(sold) for part in parts for _, _, sold in part]
    assert sorted(world.imported("target")) == sorted(delivered)
    series = world.newest()["series"]
    assert (series["delivered"], series["forecast"]) == (len(delivered), len(delivered)), series


def events_as_people_have_them_are_imported(world: World) -> None:
    """Too few wait; then another order, lower case and compressed ones make one import with them."""
    world.begin(0, [], RECOMMENDING)
    header, *lines = _interactions(1).splitlines()
    world.upload("interactions/few.csv", "\n".join([header, *lines[:600]]) + "\n")
    world.go()
    assert world.runs()[-1].output["summary"]["nothingNew"].startswith("waits: the files under"), world.runs()[-1].cause
    rows = [line.split(",") for line in lines[600:]]
    text = "".join(f"{time},{item},{kind},{user}\n" for user, item, kind, time in rows)
    world.upload("interactions/rest.csv.gz", gzip.compress(f"timestamp,item_id,event_type,user_id\n{text}".encode()))
    world.go()
    assert world.runs()[-1].status == "SUCCEEDED", world.runs()[-1].cause
    times = sorted(float(line.rpartition(",")[2]) for line in lines)
    assert sorted(world.imported("interactions")) == times and not world.files("quarantine/")


SCENES = {
    name: scene
    for name, scene in list(globals().items())
    if getattr(scene, "__module__", "") == __name__ and not name.startswith("_")
}
