"""`python -m demo`: deploy to the embedded AWS, bring the data, let the pipelines run, show what came out."""

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from rich.console import Console

from demo import deploy, results, show, upload
from demo.watch import Watcher
from localaws import process
from localaws.files import StateError
from localaws.settings import client_environment, prepare

OUT = Path("build/demo")
ENGINES = ("amazon-forecast", "storecast")
MACHINES = {"forecasting": "ForecastingStateMachine", "recommending": "RecommendingStateMachine"}


class Phases:
    """Seconds per phase, said as they begin and end."""

    def __init__(self, console: Console):
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str, what: str) -> Iterator[None]:
        self.console.print(f"[bold]{what}[/bold] ...", highlight=False)
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 1)
        self.console.print(f"  {self.seconds[name]:.1f} s", style="dim", highlight=False)


def main() -> int:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 140)
    OUT.mkdir(parents=True, exist_ok=True)
    try:
        settings = prepare(Path(options.state), options.port)
        environment = client_environment(settings)
        os.environ.update(environment)
        process.start(settings)
        if options.destroy:
            deploy.destroy(options.dataset, environment, OUT)
            console.print("Everything is taken down.")
            return 0
        return _run(options, console, environment)
    except (StateError, deploy.DeploymentFailed, TimeoutError) as error:
        console.print(f"[red]{error}[/red]", highlight=False, soft_wrap=True)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--dataset", default="grocery", type=deploy.spelled, help="a folder of data/ (default: grocery)"
    )
    parser.add_argument("--state", default=".localaws", help="the embedded AWS's folder (default: .localaws)")
    parser.add_argument("--port", type=int, help="its port (default: the last one, or 4566)")
    parser.add_argument("--engine", choices=ENGINES, help="of forecasting (default: as pipeline.yaml says)")
    parser.add_argument("--destroy", action="store_true", help="take the app down instead")
    return parser.parse_args()


def _run(options: argparse.Namespace, console: Console, environment: dict[str, str]) -> int:
    dataset, package = options.dataset, options.dataset.replace("-", "_")
    config = yaml.safe_load((Path("data") / package / "pipeline.yaml").read_text())
    folder = Path("build/data") / package
    phases = Phases(console)
    with phases.phase(
        "deploy", f"Deploying to the embedded AWS at {environment['AWS_ENDPOINT_URL']}: cdk deploy --all"
    ):
        if not deploy.deploy(dataset, environment, OUT, options.engine):
            console.print("  already deployed, unchanged", style="dim")
    outputs = deploy.outputs(dataset)
    with phases.phase("data", f"Building the dataset {dataset} in {folder}"):
        importlib.import_module(f"data.{package}.prepare").prepare(folder, full=False, seed=0)
    machines = {pipeline: outputs[name] for pipeline, name in MACHINES.items() if name in outputs}
    watcher = Watcher(machines, dataset)
    known = watcher.newest()
    with phases.phase("upload", f"Uploading to s3://{outputs['DataBucket']}"):
        keys = upload.upload(folder, outputs["DataBucket"])
        console.print(f"  {len(keys)} files" if keys else "  nothing new", style="dim", highlight=False)
    with phases.phase("pipelines", "The upload starts the pipelines"):
        watcher.wait({key.partition("/")[0] for key in keys}, known, console)
    failed = [run for run in watcher.runs.values() if run.status != "SUCCEEDED"]
    for run in failed:
        console.print(
            f"[red]{run.pipeline} {run.name}: {run.status}: {run.cause}[/red]", soft_wrap=True, highlight=False
        )
    found = results.load(outputs["ResultsBucket"], dataset, OUT)
    watcher.recall(newest["execution"] for newest in (found.forecasting, found.recommending) if newest)
    summary = _summary(dataset, phases, watcher, found)
    (OUT / "summary.json").write_text(json.dumps(summary, indent=1))
    _show(console, found, config, folder, dataset)
    show.time_spent(console, summary)
    show.places(console, dataset, OUT, options.state)
    return 1 if failed else 0


def _show(console: Console, found: results.Results, config: dict, folder: Path, dataset: str) -> None:
    console.print()
    if found.forecasting:
        item_key = next(iter(config["forecasting"]["datasets"]["target"]))
        show.forecasts(console, found.forecasting, folder, dataset, item_key)
        console.print()
        show.accuracy(console, found.forecasting)
        console.print()
    if found.recommending and found.recommendations:
        show.recommenders(console, found.recommending)
        console.print()
        show.recommendations(console, found.recommendations, config["recommending"]["publish"].get("note", ""))


def _summary(dataset: str, phases: Phases, watcher: Watcher, found: results.Results) -> dict:
    """build/demo/summary.json: what a script needs to know of this run."""
    runs = sorted(watcher.runs.values(), key=lambda run: run.started)
    summary: dict = {
        "dataset": dataset,
        "seconds": phases.seconds,
        "executions": [
            {
                "pipeline": run.pipeline,
                "name": run.name,
                "status": run.status,
                "states": run.states,
                "seconds": round(run.seconds, 1),
                "transitions": run.transitions,
                "invocations": run.invocations,
            }
            for run in runs
        ],
    }
    if found.forecasting:
        items, steps = results.size(found.forecasting)
        summary["forecasting"] = {"items": items, "time_steps": steps, "metrics": found.forecasting["accuracy"]}
    if found.recommending and found.recommendations:
        lists = {made["useCase"]: made["lists"] for made in found.recommendations["useCases"]}
        summary["recommending"] = [
            {
                "use_case": made["useCase"],
                "metrics": made["metrics"],
                "sample": [item["itemId"] for item in lists[made["useCase"]][0]["items"]],
            }
            for made in found.recommending["recommenders"]
        ]
    if stopped := [run.stopped for run in runs if run.stopped]:
        begin, end = runs[0].started, max(stopped)
        total, busy = (end - begin).total_seconds(), results.jobs_at_work(begin, end)
        summary["time"] = {
            "pipelines": round(total, 1),
            "jobs_at_work": round(busy, 1),
            "share": round(busy / total, 3),
        }
    return summary


if __name__ == "__main__":
    sys.exit(main())
