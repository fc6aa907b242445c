"""protocol.check against botocore's shapes: what fits passes, what is broken in one place names that place."""

from typing import Any

import pytest
from botocore.model import Shape, StructureShape
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from localaws import protocol

FORECAST = protocol.Service("forecast", {}, invalid_input="ValidationException")
PERSONALIZE = protocol.Service("personalize", {}, invalid_input="InvalidInputException")
SAGEMAKER = protocol.Service("sagemaker", {}, invalid_input="ValidationException")
OPERATIONS = [
    (FORECAST, "CreateDataset"),
    (FORECAST, "CreateAutoPredictor"),
    (FORECAST, "CreatePredictor"),
    (FORECAST, "ListPredictors"),
    (PERSONALIZE, "CreateRecommender"),
    (PERSONALIZE, "CreateDatasetImportJob"),
    (SAGEMAKER, "CreateNotebookInstance"),
]
INPUTS = [service.model.operation_model(name).input_shape for service, name in OPERATIONS]
MANY = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that fit the shape, as JSON brings them."""
    metadata = shape.metadata
    least, most = metadata.get("min"), metadata.get("max")
    if shape.type_name == "structure":
        members = {name: values(member) for name, member in shape.members.items()}
        required = {name: members.pop(name) for name in shape.required_members}
        return st.fixed_dictionaries(required, optional=members)
    if shape.type_name == "list":
        return st.lists(values(shape.member), min_size=least or 0, max_size=min(most or 2, max(least or 0, 2)))
    if shape.type_name == "map":
        return st.dictionaries(values(shape.key), values(shape.value), min_size=least or 0, max_size=max(least or 0, 2))
    if shape.type_name in ("integer", "long"):
        return st.integers(least, most)
    if shape.type_name in ("float", "double"):
        return st.floats(least, most, allow_nan=False, allow_infinity=False)
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name == "timestamp":
        return st.floats(0, 4e9)
    if metadata.get("enum"):
        return st.sampled_from(metadata["enum"])
    return strings(metadata.get("pattern"), least or 0, most)


@st.composite
def strings(draw: st.DrawFn, pattern: str | None, least: int, most: int | None) -> str:
    """Strings of a length and pattern: one of a few candidates that AWS's patterns have in common."""
    if pattern is None:
        return draw(st.text(min_size=least, max_size=min(most or 20, least + 20)))
    arns = [f"arn:aws:{service}:us-east-1:000000000000:x/y" for service in ("forecast", "personalize", "iam", "kms")]
    candidates = [
        *arns,
        "arn:aws:iam::000000000000:role/worker",
        "s3://bucket/key",
        "2024-01-01",
        "name",
        "D",
        "1",
        "0.5",
    ]
    fits = [
        each
        for each in candidates
        if protocol._pattern(pattern).fullmatch(each) and least <= len(each) <= (most or 999)
    ]
    if fits:
        return draw(st.sampled_from(fits))
    return draw(st.from_regex(pattern, fullmatch=True).filter(lambda text: least <= len(text) <= (most or 999)))


@st.composite
def broken(draw: st.DrawFn, shape: Shape, path: str = "") -> tuple[Any, str]:
    """A value that fits but for one place, and the path of that place."""
    value = draw(values(shape))
    if shape.type_name == "structure" and shape.members:
        kind = draw(st.sampled_from(["missing", "unknown", "member", "type"]))
        if kind == "missing" and shape.required_members:
            name = draw(st.sampled_from(shape.required_members))
            return {key: item for key, item in value.items() if key != name}, protocol._join(path, name)
        if kind == "unknown":
            return value | {"Nonsense": 1}, protocol._join(path, "Nonsense")
        if kind == "member":
            name = draw(st.sampled_from(sorted(shape.members)))
            item, place = draw(broken(shape.members[name], protocol._join(path, name)))
            return value | {name: item}, place
    elif shape.type_name == "list" and draw(st.booleans()):
        item, place = draw(broken(shape.member, f"{path}.1.member"))
        return [item, *value[1:]], place
    elif shape.metadata.get("enum"):
        return "NO_SUCH_VALUE", path
    elif shape.type_name == "string" and shape.metadata.get("max", 10**6) < 3000:
        return "x" * (shape.metadata["max"] + 1), path
    elif shape.type_name in ("integer", "float", "double") and shape.metadata.get("max") is not None:
        return shape.metadata["max"] + 1, path
    assume(path)
    return {"string": 1, "structure": [], "list": {}, "map": [], "boolean": "true"}.get(shape.type_name, [1]), path


@pytest.mark.parametrize("shape", INPUTS, ids=lambda shape: shape.name)
def test_what_fits_the_shape_passes(shape: StructureShape) -> None:
    @MANY
    @given(values(shape))
    def passes(value: dict) -> None:
        assert protocol.check(shape, value) == []

    passes()


@pytest.mark.parametrize("shape", INPUTS, ids=lambda shape: shape.name)
def test_what_is_broken_names_the_place(shape: StructureShape) -> None:
    @MANY
    @given(broken(shape))
    def names_it(case: tuple[dict, str]) -> None:
        value, place = case
        problems = protocol.check(shape, value)
        assert any(f"at '{place}' " in each for each in problems), (place, problems)

    names_it()


def test_every_problem_is_reported_at_once() -> None:
    shape = FORECAST.model.operation_model("CreateDatasetGroup").input_shape
    problems = protocol.check(shape, {"DatasetGroupName": "1", "Domain": "NONE", "DatasetArns": [3]})
    assert len(problems) == 3
    assert protocol._validation_message(problems).startswith(
        "3 validation errors detected: Value '1' at 'datasetGroupName'"
    )


def test_a_long_value_is_shown_in_part() -> None:
    shape = FORECAST.model.operation_model("CreateDatasetGroup").input_shape
    (problem,) = protocol.check(shape, {"DatasetGroupName": "g", "Domain": "X" * 5000})
    assert len(problem) < 500


def test_a_null_is_no_value() -> None:
    shape = FORECAST.model.operation_model("CreateDatasetGroup").input_shape
    assert protocol.check(shape, {"DatasetGroupName": "g", "Domain": "CUSTOM", "Tags": None}) == []
    (problem,) = protocol.check(shape, {"DatasetGroupName": None, "Domain": "CUSTOM"})
    assert "'datasetGroupName'" in problem


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_are_finite(value: float) -> None:
    shape = FORECAST.model.operation_model("CreateAutoPredictor").input_shape
    assert protocol.check(shape, {"PredictorName": "p", "ForecastHorizon": value})


def test_unchecked_patterns_keep_the_other_constraints() -> None:
    shape = FORECAST.model.shape_for("S3Config")
    config = {"Path": "s3://bucket/key", "RoleArn": "arn:aws:iam::000000000000:role/worker"}
    assert protocol.check(shape, config)
    assert protocol.check(shape, config, {"RoleArn": ""}) == []
    (problem,) = protocol.check(shape, config | {"RoleArn": "x" * 300}, {"RoleArn": ""})
    assert "'roleArn'" in problem and "256" in problem
    (problem,) = protocol.check(shape, config | {"RoleArn": "arn:"}, {"RoleArn": "arn:.+"})
    assert "'roleArn'" in problem and "arn:.+" in problem


def request(target: str, body: bytes) -> protocol.Request:
    return protocol.Request("POST", "/", {"x-amz-target": target}, body)


@pytest.mark.parametrize(
    ("target", "body", "code"),
    [
        ("AmazonForecast.Nonsense", b"{}", "UnknownOperationException"),
        ("AmazonForecast.ListForecasts", b"{", "SerializationException"),
        ("AmazonForecast.ListForecasts", b"[]", "SerializationException"),
        ("AmazonForecast.ListForecasts", b'{"MaxResults": 0}', "ValidationException"),
        ("AmazonForecast.ListForecasts", b"{}", "UnsupportedOperation"),
    ],
)
def test_errors_answer_with_their_code(target: str, body: bytes, code: str) -> None:
    status, headers, answer = protocol.call(FORECAST, request(target, body), lambda operation, params: None)
    assert status == 400 and headers["x-amzn-ErrorType"] == code
    assert code.encode() in answer and headers["x-amzn-RequestId"]


def test_an_answer_is_cut_to_its_shape() -> None:
    listing = {
        "ListForecasts": lambda context, params: {"Forecasts": [{"ForecastArn": "a", "Secret": 1, "Message": None}]}
    }
    service = protocol.Service("forecast", listing, invalid_input="ValidationException")
    status, _, body = protocol.call(
        service, request("AmazonForecast.ListForecasts", b""), lambda operation, params: None
    )
    assert (status, body) == (200, b'{"Forecasts": [{"ForecastArn": "a"}]}')


def test_an_answer_of_the_wrong_type_is_a_fault_of_ours() -> None:
    shape = FORECAST.model.operation_model("DescribeForecast").output_shape
    with pytest.raises(AssertionError, match="is no string"):
        protocol.shaped(shape, {"ForecastArn": 7})
