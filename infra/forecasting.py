"""The forecasting pipeline: plan, ensure, load, train (algorithms side by side), compare, forecast, export, publish,
notify.

Each Lambda state runs the file of its name in lambdas/forecasting; each wait is a describe, a choice and a wait.
"""

from __future__ import annotations

from aws_cdk import CfnOutput
from aws_cdk import aws_glue as glue
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.config import Pipeline
from infra.config.forecast import FORECAST_DOMAINS
from infra.config.forecasting import Forecasting as Section
from infra.expressions import Expression
from infra.importing import PLAN, importing, quarantining
from infra.operations import Operations
from infra.permissions import Permission
from infra.pipeline import PipelineStack
from infra.steps import FAILED, State, chain, in_words, lambda_task, map_over, nothing_new, part, wait_for
from infra.storage import Storage, reading, writing
from infra.tables import forecast_tables

_ITEM = "{% $states.context.Map.Item.Value %}"
# The payload with the algorithms that were trained as `predictors` and the others as `failed`, each with its step,
# error and message. The Map's results are in the order of its items.
_TRAINED = """{% (
    $ended := [$map($states.result, function($done, $at) { $merge([
        {'algorithm': $states.input.predictors[$at].algorithm},
        $exists($done.failure) ? $done.failure : {'predictorArn': $done.predictorArn}
    ]) })];
    $merge([$states.input, {
        'predictors': [$ended[$exists(predictorArn)]], 'failed': [$ended[$not($exists(predictorArn))]]
    }])
) %}"""


class Forecasting(PipelineStack):
    """The state machine, its steps, its trigger, and the Athena tables over what it exports."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: Pipeline,
        section: Section,
        operations: Operations,
        storage: Storage,
    ) -> None:
        names = f"storecast_{config.identifier}"
        super().__init__(
            scope,
            construct_id,
            pipeline="forecasting",
            service="forecast",
            names=names,
            config=config,
            operations=operations,
            storage=storage,
        )
        self._section = section
        database, tables = forecast_tables(
            self, config, section, self._storage.results.bucket_name, self._prefix, self._key
        )
        functions = self._functions(database, tables)
        self._run(
            self._steps(functions),
            functions,
            describes=[
                self._permission(
                    "DescribeDatasetImportJob",
                    "DescribeAutoPredictor",
                    "DescribePredictor",
                    "DescribePredictorBacktestExportJob",
                    "DescribeForecast",
                    "DescribeForecastExportJob",
                    *(f"Describe{kind}" for kind in self._extras()),
                )
            ],
            sweeping=[
                self._permission("DeleteResourceTree", "StopResource"),
                self._listing("DatasetGroups", "Datasets", "Predictors", "Forecasts", "DatasetImportJobs"),
            ],
            by_the_clock=section.schedule,
        )
        CfnOutput(self, "ForecastDatabase", value=database.ref, description="Athena: one table per kind of forecast")

    def _functions(self, database: glue.CfnDatabase, tables: list[glue.CfnTable]) -> dict[str, lambda_.CfnFunction]:
        data, results = self._storage.data_arn, self._storage.results_arn
        extras = self._extras()
        exports = {kind: plural for kind, plural in extras.items() if kind.endswith("Export")}
        imagined = {kind: extras[kind] for kind in ("WhatIfAnalysis", "WhatIfForecast") if kind in extras}
        handing_over = self._handing_over(self._storage.forecast_role)
        encrypting = [handing_over] if self._key else []  # with a key goes the role that may use it
        catalog = [
            self.format_arn(service="glue", resource="catalog"),
            self.format_arn(service="glue", resource="database", resource_name=database.ref),
            *(
                self.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/{table.ref}")
                for table in tables
            ),
        ]
        return {
            "plan": self._function(
                "plan",
                *reading(data, self._prefix),
                *self._planning(),
                timeout_seconds=300,
            ),
            "ensure": self._function(
                "ensure",
                *self._making({"Dataset": "Datasets", "DatasetGroup": "DatasetGroups"}),
                self._listing("DatasetImportJobs", "Predictors", "Forecasts"),
                *encrypting,
                self._permission(
                    "DescribeDataset",
                    "DescribeDatasetGroup",
                    "UpdateDatasetGroup",
                    "DeleteResourceTree",
                    "DeleteDatasetImportJob",
                ),
            ),
            "load": self._function(
                "load",
                *self._making({"DatasetImportJob": "DatasetImportJobs"}),
                handing_over,
                *quarantining(data, self._prefix),
                *writing(results, f"{self._prefix}staged/"),
                timeout_seconds=900,
            ),
            "train": self._function(
                "train",
                *self._making({"Predictor": "Predictors"}),
                Permission(
                    ["forecast:CreateAutoPredictor"],
                    ["*"],
                    "IAM knows no resources of this action",
                    {"StringEquals": {f"aws:RequestTag/{name}": value for name, value in self._config.tags.items()}},
                ),
                *encrypting,
            ),
            "compare": self._function(
                "compare",
                self._permission("GetAccuracyMetrics", "DescribeAutoPredictor"),
                *reading(data, f"{self._prefix}target/"),
                *reading(results, f"{self._prefix}exports/"),
                timeout_seconds=600,
                memory_mb=1024,
            ),
            "forecast": self._function("forecast", *self._making({"Forecast": "Forecasts"} | imagined)),
            "export": self._function(
                "export",
                *self._making(
                    {
                        "ForecastExportJob": "ForecastExportJobs",
                        "PredictorBacktestExportJob": "PredictorBacktestExportJobs",
                    }
                    | exports
                ),
                handing_over,
            ),
            "publish": self._function(
                "publish",
                *reading(data, f"{self._prefix}target/"),
                *reading(results, self._prefix),
                *writing(
                    results,
                    *(f"{self._prefix}{name}" for name in ("newest.json", "report.html", "scores.json", "runs/")),
                ),
                Permission(["glue:GetTable", "glue:CreatePartition"], catalog),
                timeout_seconds=600,
                memory_mb=1024,
            ),
        }

    def _extras(self) -> dict[str, str]:
        """The kinds of resources beside those that every run makes, and their plurals."""
        what_if = {
            "WhatIfAnalysis": "WhatIfAnalyses",
            "WhatIfForecast": "WhatIfForecasts",
            "WhatIfForecastExport": "WhatIfForecastExports",
        }
        explained = {"Explainability": "Explainabilities", "ExplainabilityExport": "ExplainabilityExports"}
        config = self._section
        return (what_if if config.what_if else {}) | (explained if config.explainability else {})

    def _steps(self, functions: dict[str, lambda_.CfnFunction]) -> State:
        storage, config, section = self._storage, self._config, self._section
        order = {
            "dataset": config.dataset,
            "config": section.model_dump(mode="json", exclude={"schedule", "accuracy_floor"}),
            "domain": dict(zip(("item", "target"), FORECAST_DOMAINS[section.domain], strict=True)),
            **PLAN,
            "dataBucket": storage.data.bucket_name,
            "resultsBucket": storage.results.bucket_name,
            "roleArn": storage.forecast_role.role_arn,
            "tags": self._config.tags,
            **({"kmsKeyArn": self._key} if self._key else {}),
            "database": f"storecast_{config.identifier}",
        }
        train = chain(
            "Train",
            "Train",
            lambda_task("Train", functions["train"], next_state="Which training?"),
            {
                "Which training?": {
                    "Type": "Choice",
                    "Choices": [
                        {
                            "Condition": "{% $states.input.predictor.kind = 'auto_predictor' %}",
                            "Next": "Describe auto predictor",
                        }
                    ],
                    "Default": "Describe predictor",
                }
            },
            wait_for("AutoPredictor", service="forecast", arn="$states.input.predictorArn"),
            wait_for("Predictor", service="forecast", arn="$states.input.predictorArn"),
            fatal=False,
        )
        backtests = chain(
            "Backtests",
            "Export backtests",
            _export(functions, "backtests", "PredictorBacktestExportJob", of="predictorArn"),
        )
        branches = [self._forecasts(functions), backtests]
        if section.explainability:
            branches.append(_explanation(functions))
        return chain(
            "Pipeline",
            "Plan",
            lambda_task("Plan", functions["plan"], payload=order, next_state="Anything new?"),
            nothing_new(otherwise="Ensure"),
            lambda_task("Ensure", functions["ensure"], next_state="Import"),
            importing(
                "forecasting",
                "forecast",
                functions["load"],
                self._operations.watch.notify,
                next_state="Compare with actuals",
            ),
            lambda_task(
                "Compare with actuals",
                functions["compare"],
                payload=part("actuals", force="$states.context.Execution.Input.force = true"),
                next_state="Algorithms",
            ),
            map_over(
                "Algorithms",
                "$states.input.predictors",
                train,
                concurrency=3,
                selector={"predictor": _ITEM, "groupArn": "{% $states.input.groupArn %}"},
                output=_TRAINED,
                next_state="Any trained?",
            ),
            _any_trained(),
            lambda_task("Compare", functions["compare"], payload=part("predictors"), next_state="Use the predictor"),
            {"Use the predictor": {"Type": "Parallel", "Branches": branches, "Next": "Publish"}},
            lambda_task(
                "Publish",
                functions["publish"],
                payload="{% $states.input[0] %}",
                next_state="Notify",
                base=Expression("$states.input[0]"),
            ),
            lambda_task(
                "Notify",
                self._operations.watch.notify,
                payload={
                    "pipeline": "forecasting",
                    "summary": "{% $states.input.summary %}",
                },
            ),
        )

    def _forecasts(self, functions: dict[str, lambda_.CfnFunction]) -> State:
        """The run's forecasts, each with its export, then the what-if forecasts on the first of them."""
        forecast = chain(
            "Forecast",
            "Forecast",
            lambda_task("Forecast", functions["forecast"], next_state="Describe forecast"),
            wait_for("Forecast", service="forecast", arn="$states.input.madeArn", next_state="Export forecast"),
            _export(functions, "forecast", "ForecastExportJob", of="madeArn", order="forecast.export"),
        )
        imagined = self._section.what_if
        return chain(
            "Forecasts",
            "Forecasts",
            map_over(
                "Forecasts",
                "$states.input.forecasts",
                forecast,
                concurrency=3,
                selector={"forecast": _ITEM, "sourceArn": "{% $states.input.servingArn %}"},
                output=_collected("forecasts", "$merge([$done.forecast, {'forecastArn': $done.madeArn}])"),
                next_state="Anything to imagine?" if imagined else None,
            ),
            _what_ifs(functions) if imagined else {},
        )


def _what_ifs(functions: dict[str, lambda_.CfnFunction]) -> dict[str, State]:
    """An analysis of the first forecast, the scenarios side by side, one export of all of them."""
    scenario = chain(
        "Scenario",
        "Forecast scenario",
        lambda_task("Forecast scenario", functions["forecast"], next_state="Describe what if forecast"),
        wait_for("WhatIfForecast", service="forecast", arn="$states.input.madeArn"),
    )
    return {
        **_only_if("Anything to imagine?", "$states.input.scenarios = true", "Forecast what-ifs", "Nothing to imagine"),
        **lambda_task(
            "Forecast what-ifs",
            functions["forecast"],
            next_state="Describe what if analysis",
            payload={
                "forecast": "{% $states.input.whatIf.analysis %}",
                "sourceArn": "{% $states.input.forecasts[0].forecastArn %}",
            },
        ),
        **wait_for("WhatIfAnalysis", service="forecast", arn="$states.input.madeArn", next_state="Scenarios"),
        **map_over(
            "Scenarios",
            "$states.input.whatIf.scenarios",
            scenario,
            concurrency=3,
            selector={"forecast": _ITEM, "sourceArn": "{% $states.input.madeArn %}"},
            output=_collected("scenarioArns", "$done.madeArn"),
            next_state="Export what-ifs",
        ),
        **_export(functions, "what-ifs", "WhatIfForecastExport", of="scenarioArns", order="whatIf.export"),
    }


def _explanation(functions: dict[str, lambda_.CfnFunction]) -> State:
    """The explainability that was made with the serving predictor, exported."""
    return chain(
        "Explanation",
        "Anything explained?",
        _only_if(
            "Anything explained?",
            "$exists($states.input.explainabilityArn)",
            "Describe explainability",
            "Nothing explained",
        ),
        wait_for(
            "Explainability",
            service="forecast",
            arn="$states.input.explainabilityArn",
            next_state="Export explainability",
        ),
        _export(functions, "explainability", "ExplainabilityExport", of="explainabilityArn"),
    )


def _export(
    functions: dict[str, lambda_.CfnFunction], what: str, kind: str, *, of: str, order: str | None = None
) -> dict[str, State]:
    """The state `Export <what>` and the wait for its job: the payload's `order` (default `what`) on the ARN `of`."""
    payload = {"export": f"{{% $states.input.{order or what} %}}", "sourceArn": f"{{% $states.input.{of} %}}"}
    return {
        **lambda_task(f"Export {what}", functions["export"], next_state=f"Describe {in_words(kind)}", payload=payload),
        **wait_for(kind, service="forecast", arn="$states.input.exportJobArn"),
    }


def _any_trained() -> dict[str, State]:
    """Where every algorithm failed the run fails as the first of them did; it may also have had none to train."""
    nothing = "$exists($states.input.failed[0]) and $count($states.input.predictors) = 0"
    failing = {"Condition": f"{{% {nothing} %}}", "Output": "{% $states.input.failed[0] %}", "Next": FAILED}
    return {"Any trained?": {"Type": "Choice", "Choices": [failing], "Default": "Compare"}}


def _only_if(name: str, condition: str, then: str, otherwise: str) -> dict[str, State]:
    """A choice that ends the chain well where there is nothing to do."""
    return {
        name: {
            "Type": "Choice",
            "Choices": [{"Condition": f"{{% {condition} %}}", "Next": then}],
            "Default": otherwise,
        },
        otherwise: {"Type": "Succeed"},
    }


def _collected(key: str, of_each: str) -> str:
    """The payload with what a Map brought under `key`: the JSONata expression `of_each` over each `$done`."""
    return f"{{% $merge([$states.input, {{'{key}': [$map($states.result, function($done) {{ {of_each} }})]}}]) %}}"
