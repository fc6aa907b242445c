"""The pipeline config: what is good is taken, what is bad is told, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.config import ConfigError, forecast, load, of_dataset, personalize
from localaws.errors import ServiceError
from localaws.services.forecast import schema as forecast_schema
from localaws.services.personalize import schema as personalize_schema
from recommending.domains import DOMAINS
from recommending.schema import avro_schema
from tests.infra.conftest import ROOT


def _load(tmp_path: Path, text: str):
    path = tmp_path / "shop" / "pipeline.yaml"
    path.parent.mkdir()
    path.write_text(text)
    return load(path)


def _sample() -> dict:
    return yaml.safe_load((ROOT / "data" / "sample" / "pipeline.yaml").read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "data").glob("*/pipeline.yaml")), ids=lambda path: path.parent.name)
def test_the_configs_that_come_with_storecast_are_good(path: Path) -> None:
    assert load(path).identifier == path.parent.name


def test_every_problem_is_reported_at_once_with_key_value_and_what_is_allowed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(
            tmp_path,
            """
dataset: Grocery!
surprise: 1
forecasting:
  domain: RETALE
  frequency: 7D
  horizon: 900
  timestamp_format: dd.MM.yyyy
  datasets: {target: {item_id: string, timestamp: timestamp}}
  quantiles: ["0.1", "1.5"]
  optimization_metric: wape
  forecasts: {Planning-A: ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]}
recommending:
  datasets: {interactions: {USER_ID: int, ITEM_ID: string, TIMESTAMP: long}, users: {USER_ID: string}}
  use_cases: [most-viewd, best-sellers]
""",
        )
    text = str(caught.value)
    for line in (
        "dataset = 'Grocery!': allowed: 2 to 20 of a-z, 0-9 and -, a letter first",
        "surprise = 1: unknown key",
        "forecasting.domain = 'RETALE'",
        "allowed: CUSTOM, EC2_CAPACITY",
        "forecasting.frequency = '7D': allowed: Y, 1-11M",
        "forecasting.horizon = 900",
        "'yyyy-MM-dd'",
        "'1.5': allowed are 0.01",
        "allowed: WAPE, RMSE",
        "name 'Planning-A'",
        "6 types: allowed are 1 to 5",
        "interactions: EVENT_TYPE is missing",
        "interactions.USER_ID: type 'int'; the ECOMMERCE domain needs string",
        "users: no column beside USER_ID",
        "'most-viewd' is not known; allowed: also-viewed",
    ):
        assert line in text, line


_OURS = {"engine": "storecast", "algorithms": ["AutoPredictor"]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"engine": "prophet"}, "forecasting.engine = 'prophet': Input should be 'amazon-forecast' or 'storecast'"),
        ({"glue": {"worker_type": "G.1X"}}, "forecasting.glue: only engine: storecast runs on Glue"),
        (
            {**_OURS, "glue": {"worker_type": "G.3X"}},
            "forecasting.glue.worker_type = 'G.3X': 'G.3X' is not known; allowed: G.1X, G.2X",
        ),
        (
            {**_OURS, "glue": {"number_of_workers": 1}},
            "forecasting.glue.number_of_workers = 1: Input should be greater",
        ),
        ({**_OURS, "glue": {"timeout": 2880}}, "forecasting.glue.timeout = 2880: Input should be less"),
        ({**_OURS, "most_forecasts": 20}, "forecasting.most_forecasts = 20: is Amazon Forecast's quota"),
        ({**_OURS, "algorithms": ["CNN-QR", "NPTS"]}, "'CNN-QR' needs the extra neural of the engines"),
        ({**_OURS, "algorithms": ["Prophet"]}, "'Prophet' needs the extra prophet of the engines"),
        ({**_OURS, "algorithms": ["AutoPredictor", "NPTS"]}, "AutoPredictor combines all models of engine: storecast"),
        ({**_OURS, "algorithms": ["ETS"]}, "forecasting.explainability = True: needs LightGBM among the algorithms"),
        ({"algorithms": ["LightGBM"]}, "'LightGBM' is not known; allowed: AutoPredictor, ARIMA, CNN-QR"),
        (
            {
                **_OURS,
                "datasets": {
                    "target": {"item_id": "string", "timestamp": "timestamp", "demand": "float", "at": "geolocation"}
                },
            },
            "target.at: engine: storecast has no type geolocation",
        ),
    ],
)
def test_keys_of_one_engine_are_refused_with_the_other(tmp_path: Path, change: dict, told: str) -> None:
    config = _sample()
    config["forecasting"] |= change
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, yaml.safe_dump(config))
    assert told in str(caught.value)


def test_all_problems_of_an_engine_are_reported_at_once(tmp_path: Path) -> None:
    config = _sample()
    config["forecasting"] |= {**_OURS, "most_forecasts": 5, "algorithms": ["Prophet"], "glue": {"worker_type": "huge"}}
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, yaml.safe_dump(config))
    assert all(key in str(caught.value) for key in ("most_forecasts", "'Prophet'", "worker_type = 'huge'"))


def test_our_engine_takes_what_only_one_of_amazons_takes(tmp_path: Path) -> None:
    """Backtest windows with AutoPredictor, a time alignment boundary without, and models by choice."""
    config = _sample()
    windows = {"backtest_windows": 2, "time_alignment_boundary": {"Hour": 6}}
    config["forecasting"] |= {"engine": "storecast", "algorithms": ["LightGBM", "ETS"], **windows}
    section = _load(tmp_path, yaml.safe_dump(config)).forecasting
    assert section and section.engine == "storecast" and section.most_forecasts is None


def test_the_models_of_the_config_are_those_of_the_engines_in_the_bundle() -> None:
    from storecast_engines.forecasting import algorithms

    extras = {"Prophet": "prophet", **dict.fromkeys(algorithms.NEURAL, "neural")}
    assert extras == forecast.NOT_IN_THE_BUNDLE
    assert set(forecast.MODELS) == set(algorithms.ALGORITHMS) - set(extras)


_BY_STORE = {"item_id": "string", "timestamp": "timestamp", "demand": "float", "store": "string"}


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ("forecasting", {"frequency": "H"}, "frequency H needs times of day: allowed is yyyy-MM-dd HH:mm:ss"),
        ("forecasting", {"dimensions": ["location"]}, "target: dimension location must be one of its columns"),
        (
            "forecasting",
            {"datasets": {"related": {"item_id": "string", "timestamp": "timestamp", "price": "float"}}},
            "target is missing",
        ),
        (
            "forecasting",
            {
                "datasets": {
                    "related": {"item_id": "string", "timestamp": "timestamp", "price": "float", "day": "string"}
                }
            },
            "related.day: type 'string', but a related series must be float or integer",
        ),
        (
            "forecasting",
            {"datasets": {"target": _BY_STORE}},
            "target.store: text that is no dimension, so the rows of one item_id are summed over all its values; for a "
            "series of each, write dimensions: [store]; if sums are what you want, write summed_over: [store]",
        ),
        (
            "forecasting",
            {
                "datasets": {
                    "target": {"item_id": "string", "timestamp": "timestamp", "demand": "float", "Demand": "float"}
                }
            },
            " differ only in case, which headers may change; rename one",
        ),
        ("forecasting", {"horizon": True}, "horizon = True: allowed is a number"),
        ("forecasting", {"summed_over": ["shop"]}, "summed_over 'shop' is not known"),
        (
            "forecasting",
            {"dimensions": ["store"], "summed_over": ["store"], "datasets": {"target": _BY_STORE}},
            "summed_over: store is a dimension, too",
        ),
        (
            "forecasting",
            {"filling": {"demand": {"middlefill": "some"}}},
            "demand.middlefill: 'some' is not known; allowed: nan, zero",
        ),
        ("forecasting", {"filling": {"price": {"futurefill": "nan"}}}, "price.futurefill: 'nan' is not known"),
        ("forecasting", {"filling": {"demand": {"futurefill": "zero"}}}, "demand.futurefill: not a rule for it"),
        ("forecasting", {"filling": {"demand": {"middlefill": "value"}}}, "value needs middlefill_value"),
        ("forecasting", {"filling": {"colour": {"middlefill": "zero"}}}, "colour: not the target nor a related series"),
        ("forecasting", {"quantiles": ["0.5", "0.50"]}, "0.50 is there twice"),
        ("forecasting", {"forecasts": {}}, "forecasting.forecasts"),
        (
            "forecasting",
            {"datasets": {"target": "first row"}},
            "target: 'first row'; allowed: columns with their types, or",
        ),
        ("forecasting", {"algorithms": "XGBoost"}, "'XGBoost' is not known; allowed: AutoPredictor, ARIMA"),
        ("forecasting", {"algorithms": ["ETS", "ETS"]}, "'ETS' is there twice"),
        ("forecasting", {"algorithms": []}, "forecasting.algorithms"),
        ("forecasting", {"algorithm": "ETS"}, "forecasting.algorithm = 'ETS': unknown key"),
        (
            "forecasting",
            {"algorithms": "AutoPredictor", "backtest_windows": 2},
            "allowed beside another algorithm only",
        ),
        ("forecasting", {"holidays": "Germany"}, "forecasting.holidays = 'Germany': allowed: a country's two capital"),
        ("forecasting", {"time_alignment_boundary": {"Hour": 24}}, "Hour: 24; allowed: 0 to 23"),
        ("forecasting", {"time_alignment_boundary": {"DayOfWeek": "SUNDAY"}}, "not for frequency D; allowed: Hour"),
        ("forecasting", {"algorithms": "ETS", "time_alignment_boundary": {"Hour": 2}}, "only AutoPredictor takes one"),
        ("forecasting", {"algorithms": "ETS"}, "needs AutoPredictor among the algorithms"),
        (
            "forecasting",
            {"what_if": {"x": [{"attribute": "brand", "operation": "ADD", "value": 1}]}},
            "x: attribute 'brand' is not known; allowed: price",
        ),
        (
            "forecasting",
            {"what_if": {"x": [{"attribute": "price", "operation": "DIVIDE", "value": 0, "where": {"colour": "red"}}]}},
            "x: where: 'colour' is not known; allowed: brand, category, item_id",
        ),
        (
            "forecasting",
            {"datasets": {"target": {"item_id": "string", "timestamp": "timestamp", "demand": "float"}}},
            "forecasting.what_if: what-if forecasts change related series, and datasets has no related",
        ),
        ("forecasting", {"what_if": {"Cheap-1": []}}, "Cheap-1: 0 changes: allowed are 1 to 30"),
        (
            "forecasting",
            {"what_if": {"x": [{"attribute": "price", "operation": "ROOT", "value": 2}]}},
            "'ADD', 'SUBTRACT', 'MULTIPLY' or 'DIVIDE'",
        ),
        ("forecasting", {"keep": 1}, "forecasting.keep = 1"),
        (
            "forecasting",
            {"keep": 11},
            "11 runs are kept (keep) of 1 forecasts: 11, more than an account may have of",
        ),
        (
            "forecasting",
            {"promotion": {"metric": "wape"}},
            "forecasting.promotion.metric = 'wape': 'wape' is not known",
        ),
        ("forecasting", {"promotion": {"tolerance": -1}}, "forecasting.promotion.tolerance = -1"),
        ("budget", {"monthly_usd": 0}, "budget.monthly_usd = 0"),
        ("forecasting", {"drift": {"factor": 0}}, "forecasting.drift.factor = 0"),
        (
            "forecasting",
            {"drift": {"factor": 1.5, "metric": "WAPE"}, "forecasts": {"planning": ["0.5"]}},
            "forecasting.drift: WAPE is measured where forecasts have one of: mean",
        ),
        ("recommending", {"use_cases": ["best-sellers", "best-sellers"]}, "best-sellers is there twice"),
        ("recommending", {"use_cases": {"best-seller": {}}}, "'best-seller' is not known; allowed: also-viewed"),
        (
            "recommending",
            {"use_cases": {"best-sellers": {"exploration_weight": 0.0}}},
            "best-sellers.exploration_weight: only for recommended-for-you",
        ),
        (
            "recommending",
            {"use_cases": {"recommended-for-you": {"exploration_weight": 2}}},
            "use_cases.recommended-for-you.exploration_weight = 2",
        ),
        ("recommending", {"use_cases": {}, "solutions": {}}, "neither use_cases nor solutions: at least one"),
        ("recommending", {"solutions": {"s": {"recipe": "sims"}}}, "solutions.s.recipe = 'sims': 'sims' is not known"),
        (
            "recommending",
            {"solutions": {"s": {"recipe": "aws-similar-items", "exploration_weight": 0.1}}},
            "s.exploration_weight: only for recommended-for-you, top-picks-for-you, aws-user-",
        ),
        (
            "recommending",
            {"solutions": {f"s{n}": {"recipe": "aws-similar-items"} for n in range(6)}},
            "more than 5 campaigns",
        ),
        (
            "recommending",
            {"solutions": {"now": {"recipe": "aws-trending-now"}}, "batch": {"all": {"solution": "now"}}},
            "all.solution: 'now' is not known; allowed: none",
        ),
        (
            "recommending",
            {"batch": {"a-name-too-long": {"solution": "similar", "filter": "dear"}}},
            "name 'a-name-too-long': allowed are 1-12 of",
        ),
        ("recommending", {"batch": {"a": {"solution": "similar", "filter": "dear"}}}, "a.filter: 'dear' is not known"),
        ("recommending", {"filters": {"Cheap": "INCLUDE ItemID WHERE Items.PRICE < 3"}}, "name 'Cheap': allowed are"),
        (
            "recommending",
            {"filters": {"cheap": "Items.PRICE < 3"}},
            "cheap: 'Items.PRICE < 3': Could not create filter. Inv",
        ),
        ("recommending", {"filters": {"a": "INCLUDE ItemID WHERE Items.PRICE << 3"}}, "symbol: <. Expected a value"),
        ("recommending", {"filters": {"a": "INCLUDE ItemID WHERE Items.COLOR IN (3)"}}, "The ITEMS dataset has the"),
        ("recommending", {"filters": {"a": "INCLUDE ItemID WHERE Items.ITEM_ID < 3"}}, "< compares numbers; strings"),
        (
            "recommending",
            {"use_cases": {}, "batch": {}, "hours": {"start": "07:00", "stop": "20:00"}},
            "recommending.hours: only recommenders can be stopped, not campaigns: there are no use_cases",
        ),
        ("recommending", {"publish": {"results": 0}}, "recommending.publish.results = 0"),
    ],
)
def test_rules_of_the_services(tmp_path: Path, section: str, change: dict, told: str) -> None:
    config = _sample()
    config[section] = config.get(section, {}) | change
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, yaml.safe_dump(config))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"owner": "a,b"}, "owner = 'a,b'"),
        ({"permissions_boundary": "PowerUserAccess"}, "permissions_boundary = 'PowerUserAccess'"),
        ({"workshop": {"vpc": {"subnet_id": "mine", "security_group_ids": ["sg-0123abcd"]}}}, "vpc.subnet_id = 'mine'"),
        ({"workshop": {"vpc": {"subnet_id": "subnet-0123abcd"}}}, "vpc.security_group_ids: missing, and needed"),
    ],
)
def test_what_keeps_an_app_closed_is_checked(tmp_path: Path, change: dict, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, yaml.safe_dump(_sample() | change))
    assert told in str(caught.value)


def test_one_algorithm_needs_no_list(tmp_path: Path) -> None:
    config = _sample()
    for key in ("algorithms", "what_if", "explainability"):
        config["forecasting"].pop(key, None)
    config["forecasting"] |= {"algorithm": "ETS", "backtest_windows": 3, "holidays": "DE"}
    found = _load(tmp_path, yaml.safe_dump(config)).forecasting
    assert (found.algorithms, found.backtest_windows, found.holidays) == (("ETS",), 3, "DE")


def test_columns_may_come_from_the_header_of_the_files(tmp_path: Path) -> None:
    config = _sample()
    config["forecasting"] |= {"datasets": {"target": "infer"}, "dimensions": ["store"], "what_if": {}}
    assert _load(tmp_path, yaml.safe_dump(config)).forecasting.datasets == {"target": "infer"}


def test_use_cases_are_a_list_or_have_settings(tmp_path: Path) -> None:
    config = _sample()
    config["recommending"]["use_cases"] = ["best-sellers", "recommended-for-you"]
    listed = _load(tmp_path, yaml.safe_dump(config)).recommending
    config["recommending"]["use_cases"] = {"best-sellers": None, "recommended-for-you": {"exploration_weight": 0.3}}
    (tmp_path / "mapping.yaml").write_text(yaml.safe_dump(config))
    assert load(tmp_path / "mapping.yaml").recommending == listed
    assert listed.use_cases["recommended-for-you"].exploration_item_age_cut_off == 30


def test_the_items_of_a_shop_need_price_and_category(tmp_path: Path) -> None:
    config = _sample()
    config["recommending"]["datasets"]["items"] = {"ITEM_ID": "string", "CATEGORY_L1": "string", "CATEGORYL1": "string"}
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, yaml.safe_dump(config, sort_keys=False))
    for told in (
        "items: PRICE is missing",
        "items.CATEGORY_L1: the ECOMMERCE domain needs it categorical",
        "CATEGORY_L1 and CATEGORYL1 differ only in underscores",
    ):
        assert told in str(caught.value)


@pytest.mark.parametrize(
    ("domain", "change", "told"),
    [
        ("VIDEO_ON_DEMAND", {"use_cases": ["top-picks-for-you", "most-popular"]}, None),
        (
            "VIDEO_ON_DEMAND",
            {"use_cases": ["best-sellers"]},
            "'best-sellers' is not known; allowed: because-you-watched",
        ),
        (
            "VIDEO_ON_DEMAND",
            {"datasets": {"items": {"ITEM_ID": "string", "GENRES": "string"}}},
            "items.GENRES: the VIDEO_ON_DEMAND domain needs it categorical",
        ),
        ("CUSTOM", {"solutions": {"s": {"recipe": "aws-similar-items"}}}, None),
        ("CUSTOM", {"use_cases": ["best-sellers"]}, "'best-sellers' is not known; allowed: none"),
        (
            "CUSTOM",
            {"datasets": {"interactions": {"USER_ID": "string"}}},
            "interactions: TIMESTAMP is missing; the CUSTOM",
        ),
        ("BOOKS", {}, "recommending.domain = 'BOOKS'"),
    ],
)
def test_each_domain_has_use_cases_and_columns_of_its_own(
    tmp_path: Path, domain: str, change: dict, told: str | None
) -> None:
    text = yaml.safe_dump({"dataset": "shop", "recommending": {"domain": domain, **change}})
    if told is None:
        assert _load(tmp_path, text).recommending.domain == domain
    else:
        with pytest.raises(ConfigError) as caught:
            _load(tmp_path, text)
        assert told in str(caught.value)


def test_what_is_no_config_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file; datasets with a pipeline.yaml: .*grocery"):
        load(ROOT / "data" / "nowhere" / "pipeline.yaml")
    with pytest.raises(ConfigError, match="not YAML"):
        _load(tmp_path, "a: [")


def test_one_of_the_two_pipelines_is_enough(tmp_path: Path) -> None:
    config = _sample()
    del config["recommending"]
    assert _load(tmp_path, yaml.safe_dump(config)).recommending is None
    del config["forecasting"]
    with pytest.raises(ConfigError, match="at least one is needed"):
        (tmp_path / "empty.yaml").write_text(yaml.safe_dump(config))
        load(tmp_path / "empty.yaml")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"expression": "every monday"}, "schedule.expression = 'every monday': allowed: rate(N minutes|hours|days)"),
        ({"expression": "cron(0 5 * *)"}, "schedule.expression = 'cron(0 5 * *)': allowed: rate("),
        ({"expression": "rate(0 days)"}, "schedule.expression = 'rate(0 days)'"),
        ({"expression": "cron(0 24 ? * MON *)"}, "= 'cron(0 24 ? * MON *)': hour '24': allowed is 0 to 23"),
        ({"expression": "cron(0 5 ? * FUN *)"}, "day of week 'FUN': allowed is 1 to 7, or SUN to SAT"),
        ({"expression": "cron(0 5 ? * 2#6 *)"}, "day of week '2#6': after # stands 1 to 5"),
        ({"expression": "cron(0 5 1 13 ? *)"}, "month '13': allowed is 1 to 12, or JAN to DEC"),
        ({"expression": "cron(0/0 5 1 * ? *)"}, "minute '0/0': after the slash stands a number from 1 on"),
        ({"expression": "cron(0 5 1 * ? 26)"}, "year '26': allowed is 1970 to 2199"),
        (
            {"expression": "cron(0 5 1 * MON *)"},
            "day of month '1', day of week 'MON': one of them, and one alone, is ?",
        ),
        ({"expression": "rate(1 day)", "time_zone": "Berlin"}, "schedule.time_zone = 'Berlin': not known"),
    ],
)
def test_a_schedule_is_one_of_the_schedulers(tmp_path: Path, change: dict, told: str) -> None:
    config = _sample()
    config["recommending"]["schedule"] = change
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, yaml.safe_dump(config))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dataset: shop\nforecasting: {}\ndataset: other\n", "line 3: dataset is there twice, first in line 1"),
        (
            "dataset: shop\nforecasting:\n  datasets:\n    target: {item_id: string, item_id: float}\n",
            "line 4: item_id",
        ),
    ],
)
def test_a_key_that_is_there_twice_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        _load(tmp_path, text)


def test_quantiles_need_no_quotes(tmp_path: Path) -> None:
    config = _sample()
    config["forecasting"] |= {"quantiles": [0.1, 0.5, 0.9], "forecasts": {"planning": [0.25, "mean"]}}
    found = _load(tmp_path, yaml.safe_dump(config)).forecasting
    assert (found.quantiles, found.forecasts) == (("0.1", "0.5", "0.9"), {"planning": ("0.25", "mean")})


def test_a_folder_is_named_after_its_dataset(tmp_path: Path) -> None:
    config = _sample()
    for folder, dataset in (("shop_test", "shop-test"), ("copied", "shop-test")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pipeline.yaml").write_text(yaml.safe_dump(config | {"dataset": dataset}))
    assert of_dataset(tmp_path, "shop_test") == of_dataset(tmp_path, "shop-test")
    with pytest.raises(ConfigError, match="dataset = 'shop-test' is not the folder's name; allowed: copied, or rename"):
        of_dataset(tmp_path, "copied")


_FORECAST_NAMES = ("item_id", "timestamp", "demand", "value", "price", "store", "type", "metric_name", "metric_value")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(sorted(forecast.FORECAST_DOMAINS)),
    st.sampled_from(sorted(forecast.FORECAST_DATASETS)),
    st.dictionaries(
        st.sampled_from([*_FORECAST_NAMES, *(f"c{n}" for n in range(14))]),
        st.sampled_from(["string", "float", "integer", "timestamp", "geolocation"]),
        max_size=20,
    ),
)
def test_columns_that_createdataset_would_refuse_are_refused_at_synth(
    domain: str, kind: str, columns: dict[str, str]
) -> None:
    item, target = forecast.FORECAST_DOMAINS[domain]
    required = {item: "string", **({} if kind == "metadata" else {"timestamp": "timestamp"})}
    columns |= required | ({target: "float"} if kind == "target" else {})
    attributes = [{"AttributeName": name, "AttributeType": type_} for name, type_ in columns.items()]
    try:
        forecast_schema.check_schema(domain, forecast.FORECAST_DATASETS[kind][0], attributes)
    except ServiceError as refused:
        assert forecast.forecast_schema_problems(domain, kind, columns), refused


_MARKED = st.sampled_from([{}, {"categorical": True}, {"textual": True}])


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["ECOMMERCE", "VIDEO_ON_DEMAND", "CUSTOM"]),
    st.sampled_from(["interactions", "items", "users"]),
    st.dictionaries(
        st.sampled_from(
            ["PRICE", "CREATION_TIMESTAMP", "EVENT_VALUE", "EVENT_TYPE", "AGE", "COLOR", "GENRES", "USER_ID"]
        ),
        st.tuples(st.sampled_from(["string", "long", "float"]), _MARKED, st.booleans()),
    ),
    st.booleans(),
)
def test_columns_that_createschema_would_refuse_are_refused_at_synth(
    domain: str, kind: str, given_: dict[str, tuple[str, dict, bool]], complete: bool
) -> None:
    columns = {name: {"type": type_, "nullable": empty, **marks} for name, (type_, marks, empty) in given_.items()}
    if complete:
        for name, wanted in DOMAINS[domain].required[kind].items():
            columns.setdefault(
                name, {"type": "string", "categorical": True} if wanted == "categorical" else {"type": wanted}
            )
    typed = {name: personalize.ColumnType(**column) for name, column in columns.items()}
    text = avro_schema(kind, {name: column.model_dump() for name, column in typed.items()})
    try:
        personalize_schema.check(None if domain == "CUSTOM" else domain, text)
    except ServiceError as refused:
        assert personalize.schema_problems(domain, kind, typed), refused
