"""Files that Forecast imports or refuses: each refusal names the file, the row, the column and the value."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storecast_engines.files import FileError, Layout, time_series
from storecast_engines.files.rows import parts
from storecast_engines.files.statistics import Statistics, double

URI = "s3://bucket/target/sales.csv"
PARQUET = "s3://bucket/target/sales.parquet"
GOOD = "milk,2024-01-01,5\nmilk,2024-01-02,6\n"


def layout(timestamp_format: str = "yyyy-MM-dd", keys=("item_id",), geolocation_format: str | None = None, **types):
    types = types or {"item_id": "string", "timestamp": "timestamp", "demand": "float"}
    return Layout(types, timestamp_format, list(keys), "demand", geolocation_format)


def refusal(body: str | bytes, expected: Layout, uri: str = URI) -> str:
    with pytest.raises(FileError) as raised:
        time_series.read_csv(uri, body if isinstance(body, bytes) else body.encode(), expected)
    assert uri in str(raised.value)
    return str(raised.value)


BAD = {
    "too few columns": (
        GOOD + "bread\n",
        ["row 3", "1 values, but 3 columns", "item_id, timestamp, demand", "'bread'"],
    ),
    "too few in the first row": ("milk,2024-01-01\n", ["row 1", "2 values, but 3 columns"]),
    "too many columns": (GOOD + "bread,2024-01-01,1,extra\n", ["row 3", "4 values, but 3 columns", "extra"]),
    "another order": ("2024-01-01,milk,5\n", ["row 1", "timestamp", "'milk'", "yyyy-MM-dd"]),
    "unparseable timestamp": (GOOD + "bread,01/02/2024,1\n", ["row 3", "timestamp", "'01/02/2024'", "yyyy-MM-dd"]),
    "mixed timestamps": (GOOD + "bread,2024-01-01 00:00:00,1\n", ["row 3", "timestamp", "'2024-01-01 00:00:00'"]),
    "a day that is none": (GOOD + "bread,2024-02-30,1\n", ["row 3", "timestamp", "'2024-02-30'"]),
    "no timestamp": (GOOD + "bread,,1\n", ["row 3", "timestamp", "''"]),
    "no number": (GOOD + "bread,2024-01-01,many\n", ["row 3", "demand", "'many'", "float"]),
    "decimal comma": (GOOD + 'bread,2024-01-01,"1,5"\n', ["row 3", "demand", "'1,5'", "float"]),
    "infinite": (GOOD + "b,2024-01-01,inf\nb,2024-01-02,inf\n", ["row 3", "demand", "'inf'", "2 such rows"]),
    "1e400": (GOOD + "bread,2024-01-01,1e400\n", ["row 3", "demand", "'1e400'", "finite"]),
    "NaN": (GOOD + "bread,2024-01-01,NaN\n", ["row 3", "demand", "'NaN'", "left empty"]),
    "no item": (GOOD + ",2024-01-01,1\n", ["row 3", "item_id", "''", "each row needs one"]),
    "header only": ("item_id,timestamp,demand\n", ["holds a header and no row"]),
    "header in another order": ("timestamp,item_id,demand\n2024-01-01,a,1\n", ["row 1", "header", "schema's order"]),
    "empty": ("", ["is empty"]),
    "blank": ("\n \n", ["is empty"]),
    "Latin-1": (GOOD.encode() + "Käse,2024-01-01,5\n".encode("latin-1"), ["row 3", "not UTF-8"]),
    "UTF-16": (GOOD.encode("utf-16"), ["row 1", "not UTF-8"]),
    "open quote": (GOOD + '"bread,2024-01-01,1\n', ["row 3", "quote"]),
    "open quote in the last column": ('milk,2024-01-01,"5\n' + GOOD, ["row 1", "quote"]),
    "semicolons": (GOOD.replace(",", ";"), ["row 1", "1 values, but 3 columns", "milk;2024-01-01;5"]),
}


@pytest.mark.parametrize("header", ["item_id,timestamp,demand", "Model_ID,Timestamp,Order Quantity"])
def test_a_header_of_a_time_series_is_skipped_whatever_its_names(header: str) -> None:
    """As recorded of AWS's sample notebooks: their files name columns otherwise than the schema."""
    frame = time_series.read_csv(URI, f"{header}\n{GOOD}".encode(), layout())
    assert (list(frame.columns), frame.index.tolist()) == (["item_id", "timestamp", "demand"], [2, 3])


@pytest.mark.parametrize("first", ["milk,January,5", "milk,2024-01-01,many", "milk,January,NaN", "milk,January,"])
def test_a_first_row_with_a_time_or_a_number_is_no_header(first: str) -> None:
    assert "row 1" in refusal(f"{first}\n{GOOD}", layout())


@pytest.mark.parametrize(("body", "words"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_in_words(body: str | bytes, words: list[str]) -> None:
    message = refusal(body, layout())
    for word in words:
        assert word in message


def test_rows_are_counted_as_the_file_has_them() -> None:
    body = "\nmilk,2024-01-01,5\r\n\r\n,,\nmilk,2024-01-02,x\n"
    assert "row 5, demand: 'x'" in refusal(body, layout())
    assert "row 3: 1 values" in refusal("\n\nbread\n", layout())


GOOD_FILES = {
    "BOM": b"\xef\xbb\xbf" + GOOD.encode(),
    "CRLF": GOOD.replace("\n", "\r\n").encode(),
    "empty lines": GOOD.replace("\n", "\n\n").encode(),
    "no end of line": GOOD.rstrip().encode(),
    "quoted": b'"milk","2024-01-01","5"\n"milk",2024-01-02,6\n',
}


@pytest.mark.parametrize("body", GOOD_FILES.values(), ids=GOOD_FILES)
def test_the_same_rows_in_other_clothes(body: bytes) -> None:
    frame = time_series.read_csv(URI, body, layout())
    assert frame["item_id"].tolist() == ["milk", "milk"]
    assert frame["timestamp"].tolist() == [pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-02")]
    assert frame["demand"].tolist() == [5, 6]


def test_quoted_commas_quotes_and_lines_stay_in_their_value() -> None:
    body = '"bread, brown",2024-01-01,5\n"6"" pan",2024-01-01,1\n"two\nlines",2024-01-01,\n'
    frame = time_series.read_csv(URI, body.encode(), layout())
    assert frame["item_id"].tolist() == ["bread, brown", '6" pan', "two\nlines"]
    assert frame["demand"].isna().tolist() == [False, False, True]


def test_an_integer_is_whole() -> None:
    types = {"item_id": "string", "timestamp": "timestamp", "demand": "integer"}
    message = refusal("milk,2024-01-01,5\nmilk,2024-01-02,5.5\n", layout(**types))
    assert "row 2, demand: '5.5' is not an integer" in message


def test_times_of_the_day_need_their_format() -> None:
    hours = layout("yyyy-MM-dd HH:mm:ss")
    frame = time_series.read_csv(URI, b"milk,2024-01-01 07:00:00,5\n", hours)
    assert frame["timestamp"].tolist() == [pd.Timestamp("2024-01-01 07:00")]
    assert "'2024-01-01' is not a timestamp of the form yyyy-MM-dd HH:mm:ss" in refusal(GOOD, hours)


@pytest.mark.parametrize(
    ("value", "formats"),
    [
        ("47.61_-122.33", ("LAT_LONG", None)),
        ("-90_180.0", ("LAT_LONG", None)),
        ("US_98121", ("CC_POSTALCODE", None)),
        ("91_0", ()),
        ("47.61_181", ()),
        ("47.61 -122.33", ()),
        ("DE_10115", ()),
        ("", ()),
    ],
)
def test_geolocations_are_of_their_format(value: str, formats: tuple) -> None:
    types = {"item_id": "string", "timestamp": "timestamp", "place": "geolocation", "demand": "float"}
    body = f"milk,2024-01-01,{value},5\n"
    for each in ("LAT_LONG", "CC_POSTALCODE", None):
        expected = layout(geolocation_format=each, **types)
        if each in formats:
            assert time_series.read_csv(URI, body.encode(), expected)["place"].tolist() == [value]
        else:
            message = refusal(body, expected)
            assert f"row 1, place: {value!r}" in message
            assert (each or "LAT_LONG or CC_POSTALCODE") in message


def test_a_file_needs_a_letter_in_its_name() -> None:
    assert "at least one letter" in refusal(GOOD, layout(), "s3://bucket/target/2024.csv")


def test_a_negative_demand_is_imported_and_named() -> None:
    frame = time_series.read_csv(URI, (GOOD + "bread,2024-01-01,-2\nbread,2024-01-02,-1\n").encode(), layout())
    assert frame["demand"].tolist() == [5, 6, -2, -1]
    assert f"{URI}, row 3, demand: -2 is below zero (2 such rows)" in time_series.below_zero(URI, frame["demand"])
    assert time_series.below_zero(URI, frame["demand"][:2]) == ""


def parquet(rows: dict) -> bytes:
    body = io.BytesIO()
    pd.DataFrame(rows).to_parquet(body, index=False)
    return body.getvalue()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"item_id": ["a"], "timestamp": ["2024-01-01"]}, ["item_id, timestamp", "demand"]),
        ({"item_id": ["a"], "timestamp": ["2024/01/01"], "demand": [1.0]}, ["row 1", "timestamp", "'2024/01/01'"]),
        ({"item_id": ["a", "b"], "timestamp": ["2024-01-01"] * 2, "demand": ["1", "x"]}, ["row 2", "demand", "'x'"]),
        ({"item_id": ["a", None], "timestamp": ["2024-01-01"] * 2, "demand": [1, 2]}, ["row 2", "item_id", "''"]),
        ({"item_id": [], "timestamp": [], "demand": []}, ["empty"]),
    ],
    ids=["column", "timestamp", "number", "item", "empty"],
)
def test_a_bad_parquet_file_is_refused_in_words(rows: dict, words: list[str]) -> None:
    with pytest.raises(FileError) as raised:
        time_series.read_parquet(PARQUET, parquet(rows), layout())
    for word in [PARQUET, *words]:
        assert word in str(raised.value)


@pytest.mark.parametrize(("bound", "words"), [("MOST_VALUES", "3,000 values"), ("MOST_BYTES", "bytes uncompressed")])
def test_a_parquet_file_that_expands_to_too_much_is_not_read(
    monkeypatch: pytest.MonkeyPatch, bound: str, words: str
) -> None:
    """A thousand rows of one value are some hundred bytes of file, as a billion would be."""
    bomb = parquet({"item_id": ["a"] * 1000, "timestamp": ["2024-01-01"] * 1000, "demand": [1.0] * 1000})
    assert len(time_series.read_parquet(PARQUET, bomb, layout())) == 1000
    monkeypatch.setattr(time_series, bound, 50)
    monkeypatch.setattr(pd, "read_parquet", None)
    with pytest.raises(FileError, match=f"s3://bucket/target/sales.parquet holds .*{words}.* at most .*50 "):
        time_series.read_parquet(PARQUET, bomb, layout())


def test_a_file_on_disk_is_read_by_its_ending(tmp_path: Path) -> None:
    csv, columns = tmp_path / "sales.csv", tmp_path / "sales.parquet"
    csv.write_text(GOOD)
    columns.write_bytes(parquet({"demand": [5, 6], "item_id": ["milk"] * 2, "timestamp": ["2024-01-01", "2024-01-02"]}))
    pd.testing.assert_frame_equal(time_series.read(csv, layout()), time_series.read(columns, layout()))
    csv.write_text(GOOD + "bread\n")
    with pytest.raises(FileError, match=f"{csv}, row 3"):
        time_series.read(csv, layout())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0"),
        (186, "186.0"),
        (209.99170812603649, "209.99170812603649"),
        (-4.5, "-4.5"),
        (0.001, "0.001"),
        (2.295408381527212e-4, "2.295408381527212E-4"),
        (1e7, "1.0E7"),
        (-12345678.5, "-1.23456785E7"),
    ],
)
def test_numbers_are_written_as_the_service_writes_them(value: float, text: str) -> None:
    assert double(value) == text and float(text) == value


def test_missing_values_are_not_counted_and_only_numbers_have_nan() -> None:
    """As recorded: 10,592 of 10,642 values, CountNull 50 (DescribeDatasetImportJob, March 2020)."""
    found = statistics_of(b"milk,2024-01-01,5\nmilk,2024-01-02,\n")
    demand, item = found["demand"], found["item_id"]
    assert (demand["Count"], demand["CountNull"], demand["CountNan"], demand["CountNanLong"]) == (1, 1, 0, 0)
    assert "CountNan" not in item and (item["Count"], item["CountLong"], item["CountDistinct"]) == (2, 2, 1)
    assert found["timestamp"]["Max"] == "2024-01-02T00:00:00Z"


def statistics_of(body: bytes, size: int = 2**20) -> dict:
    found = Statistics()
    for part, first in parts(io.BytesIO(body), size):
        found.add(time_series.read_csv(URI, part, layout(), first))
    return found.result()


def test_statistics_of_a_file_in_parts_are_those_of_the_whole() -> None:
    rng = np.random.default_rng(2)
    days = pd.date_range("2024-01-01", periods=40).strftime("%Y-%m-%d")
    lines = [
        f"i{rng.integers(5)},{rng.choice(days)},{rng.choice(['', '7', f'{rng.normal():.3f}'])}" for _ in range(300)
    ]
    body = "\n".join(lines).encode()
    whole = time_series.read_csv(URI, body, layout())["demand"].dropna()
    for size in (64, 1000, 10**6):
        found = statistics_of(body, size)
        assert found["demand"]["CountDistinct"] == whole.nunique() and found["demand"]["Count"] == len(whole)
        assert (found["demand"]["Avg"], found["demand"]["Stddev"]) == pytest.approx((whole.mean(), whole.std(ddof=0)))
        assert (found["demand"]["Min"], found["demand"]["Max"]) == (double(whole.min()), double(whole.max()))
        assert found["item_id"]["CountDistinct"] == 5 and found["item_id"]["Count"] == 300


@given(
    rows=st.lists(st.lists(st.sampled_from(["a", "b\nc", 'd"e', "", "f,g"]), min_size=2, max_size=2), max_size=12),
    size=st.integers(1, 30),
    end=st.sampled_from(["", "\n", "\n\n"]),
)
def test_parts_are_the_file_cut_between_rows(rows: list[list[str]], size: int, end: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    body = (text.getvalue().rstrip("\n") + end).encode()
    found = list(parts(io.BytesIO(body), size))
    assert body.startswith(b"".join(part for part, _ in found)) or not body.strip()
    whole = list(csv.reader(io.StringIO(body.decode(), newline="")))
    for part, first in found:
        of_part = list(csv.reader(io.StringIO(part.decode(), newline="")))
        assert of_part == whole[first - 1 : first - 1 + len(of_part)]
    rows_found = sum(len(list(csv.reader(io.StringIO(part.decode(), newline="")))) for part, _ in found)
    assert rows_found >= sum(1 for row in whole if any(row))


def test_a_bad_row_in_a_later_part_is_named_by_its_row_in_the_file() -> None:
    body = b"milk,2024-01-01,5\n" * 10 + b"milk,2024-01-01,many\n"
    with pytest.raises(FileError, match=f"{URI}, row 11, demand: 'many' is not a finite number"):
        statistics_of(body, 50)
    with pytest.raises(FileError, match=f"{URI}, row 11: 2 values, but 3 columns"):
        statistics_of(body.replace(b",many", b""), 50)
    with pytest.raises(FileError, match=f"{URI} is empty"):
        statistics_of(b"")
