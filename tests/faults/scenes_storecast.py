"""One thing at a time that goes wrong in a run whose engine is storecast, and what must come of it."""

from __future__ import annotations

import json
import random

import boto3

from localaws.faults import Fault, write
from localaws.services.glue.api import job_runs
from tests.faults import job
from tests.faults.pipelines import STORECAST, series
from tests.faults.world import World

_IN_THE_JOB = 7.0  # seconds after an upload: five of settling, then Plan, Compare and a start
_JOB = "storecast-sample-forecasting"


def _target(seed: int, poison: bool = False) -> str:
    return series(random.Random(seed), "target", poison)


def _begin(world: World, *faults: Fault, lasting: float = 10) -> None:
    """A file is delivered; the job that its run starts takes `lasting` seconds."""
    world.begin(0, [], STORECAST)
    job.trainings.clear()
    world.inside.jobs.lasting["jobRun"] = lasting
    write(world.inside.settings.faults, faults)
    world.upload("target/a.csv", _target(0))


def _covered(world: World, trainings: int) -> None:
    """What serves was trained on all that is there, nothing more than so often, and no job is left."""
    assert world.holder() is None
    world.start({})
    world.go()
    said = world.runs()[-1].output["summary"].get("nothingNew", "")
    assert said.startswith("nothing new"), (said, world.runs()[-1].cause)
    there = [value for text in world.files().values() for value in world.pipeline.values(text)]
    assert _learned(world) == sorted(there)
    assert len(job.trainings) == trainings, job.trainings
    assert not [each for each in world.resources("JobRun") if each.status in ("STARTING", "RUNNING", "STOPPING")]


def _learned(world: World) -> list[float]:
    place = f"{world.newest()['predictorArn'].removeprefix('s3://results/')}/predictor/predictor.json"
    return json.loads(world.files(place, "results")[place])["values"]


def _running(world: World) -> str:
    [run] = [each.arn for each in world.resources("JobRun") if each.status in ("STARTING", "RUNNING")]
    return run


def _stop_the_job(world: World) -> None:
    with world.calmly():
        run = _running(world).rpartition("/")[2]
        boto3.client("glue").batch_stop_job_run(JobName=_JOB, JobRunIds=[run])


def _time_out(world: World) -> None:
    job_runs._time_out(world.inside.store, world.inside.jobs, _running(world), 480 * 60)


def our_job_trains_once_in_spite_of_a_lost_answer(world: World) -> None:
    """A start whose answer is lost is repeated: the second run of the job finds what the first one wrote."""
    steps = ("plan", "compare", "publish")
    cut_off = {"error": "Sandbox.Timedout", "message": "Task timed out after 60.00 seconds", "times": 1, "after": True}
    _begin(
        world,
        *(Fault("lambda:InvokeFunction", f"forecasting.{step}", **cut_off) for step in steps),
        Fault("glue:StartJobRun", error="OperationTimeoutException", times=1, after=True),
    )
    world.go()
    assert len(world.inside.switch.met) == 4
    assert [run.status for run in world.runs()] == ["SUCCEEDED"], world.runs()[-1].cause
    assert len(world.resources("JobRun")) == 2
    _covered(world, trainings=1)


def a_start_that_is_throttled_is_tried_again(world: World) -> None:
    _begin(world, Fault("glue:StartJobRun", error="ThrottlingException", message="Rate exceeded", times=4))
    world.go()
    assert [run.status for run in world.runs()] == ["SUCCEEDED"], world.runs()[-1].cause
    _covered(world, trainings=1)


def a_job_that_fails_is_told_with_its_reason_and_what_serves_stays(world: World) -> None:
    _begin(world)
    world.go()
    before, message = world.newest(), "JobFailed: s3://data/forecasting/sample/target/b.csv, row 3, demand: 'x' is bad"
    world.told()
    write(world.inside.settings.faults, [Fault("job:glue:JobRun", error="X", message=message, times=1)])
    world.upload("target/b.csv", _target(1))
    world.go()
    assert world.runs()[-1].status == "FAILED" and world.newest() == before
    [told] = world.told()
    assert told["subject"] == "Storecast: forecasting FAILED in Train"
    assert (told["error"], told["message"]) == ("Glue.FAILED", message.removeprefix("JobFailed: "))
    world.start({})
    world.go()
    _covered(world, trainings=2)


def a_job_that_times_out_fails_the_run_and_the_next_one_trains(world: World) -> None:
    _begin(world)
    world.clock.at(_IN_THE_JOB, lambda: _time_out(world), outside=True)
    world.go()
    [told] = world.told()
    assert (told["error"], told["message"]) == ("Glue.TIMEOUT", "Job timed out after 480 minutes"), told
    world.start({})
    world.go()
    assert [run.status for run in world.runs()] == ["FAILED", "SUCCEEDED"], world.runs()[-1].cause


def a_job_that_is_stopped_by_hand_fails_the_run(world: World) -> None:
    _begin(world)
    world.clock.at(_IN_THE_JOB, lambda: _stop_the_job(world), outside=True)
    world.go()
    [told] = world.told()
    assert told["error"] == "Glue.STOPPED" and told["message"].startswith("the job run ended STOPPED"), told
    world.start({})
    world.go()
    assert [run.status for run in world.runs()] == ["FAILED", "SUCCEEDED"], world.runs()[-1].cause


def a_run_that_is_stopped_stops_its_job(world: World) -> None:
    _begin(world, lasting=60)
    world.clock.at(_IN_THE_JOB, world.stop, outside=True)
    world.clock.at(_IN_THE_JOB + 2, lambda: world.start({}), outside=True)
    world.go()
    assert [run.status for run in world.runs()] == ["ABORTED", "SUCCEEDED"], world.runs()[-1].cause
    assert [each.status for each in world.resources("JobRun")] == ["STOPPED", "SUCCEEDED"]
    _covered(world, trainings=1)


def an_upload_while_the_job_runs_leads_to_one_further_run(world: World) -> None:
    """The file that the job reads is replaced meanwhile: it reads it as the plan saw it."""
    _begin(world)
    first = sorted(STORECAST.values(_target(0)))
    world.clock.at(_IN_THE_JOB, lambda: world.upload("target/a.csv", _target(2)), outside=True)
    world.clock.at(_IN_THE_JOB + 1, lambda: world.upload("target/b.csv", _target(1)), outside=True)
    world.go()
    assert [run.status for run in world.runs() if run.passed("Plan")] == ["SUCCEEDED"] * 2, world.runs()[-1].cause
    [one, _] = job.trainings
    place = f"{one.removeprefix('s3://results/')}/predictor/predictor.json"
    assert json.loads(world.files(place, "results")[place])["values"] == first
    _covered(world, trainings=2)


def a_poison_file_never_reaches_our_job(world: World) -> None:
    _begin(world)
    world.upload("target/b.csv", _target(1, poison=True))
    world.go()
    told = [each["subject"] for each in world.told()]
    assert told == ["Storecast: forecasting put b.csv into quarantine", "Storecast: forecasting succeeded"], told
    _covered(world, trainings=1)


def a_predictor_of_another_version_is_trained_again_with_a_reason(world: World) -> None:
    _begin(world)
    world.go()
    place = f"{world.newest()['predictorArn'].removeprefix('s3://results/')}/predictor/predictor.json"
    world.s3.put_object(Bucket="results", Key=place, Body=b'{"version": 0, "values": []}')
    world.upload("target/b.csv", _target(1))
    world.go()
    newest = world.newest()
    assert newest["training"]["reason"].startswith("the predictor in use has version 0"), newest["training"]
    assert newest["promotion"]["promoted"]
    _covered(world, trainings=2)


SCENES = {
    name: scene
    for name, scene in list(globals().items())
    if getattr(scene, "__module__", "") == __name__ and not name.startswith("_")
}
