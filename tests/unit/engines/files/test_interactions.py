"""Bulk CSV files: each bad value is named by file, row, column, value and what is allowed; the rest is read."""

import pickle

import pytest

from storecast_engines.files import Field, FileError
from storecast_engines.files.interactions import check_interactions, read_csv

EVENTS = [
    Field("USER_ID", "string", False),
    Field("ITEM_ID", "string", False),
    Field("TIMESTAMP", "long", False),
    Field("EVENT_TYPE", "string", False),
]
ITEMS = [
    Field("ITEM_ID", "string", False),
    Field("PRICE", "float", True),
    Field("CATEGORY_L1", "string", True, categorical=True),
    Field("STOCK", "int", True),
    Field("NEW", "boolean", True),
    Field("NOTE", "string", True, textual=True),
    Field("CREATION_TIMESTAMP", "long", True),
]
EVENT_HEADER, ITEM_HEADER = (",".join(field.name for field in schema) for schema in (EVENTS, ITEMS))
FAR_AHEAD = 4_000_000_000  # in the year 2096


def _read(header: str, *rows: str):
    body = "\n".join([header, *rows]).encode()
    return read_csv({"s3://b/f.csv": body}, EVENTS if header == EVENT_HEADER else ITEMS)


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        (EVENT_HEADER, "u,i,1700000000000,View", ["TIMESTAMP", "'1700000000000'", "seconds"]),
        (EVENT_HEADER, "u,i,-5,View", ["TIMESTAMP", "'-5'", "epoch"]),
        (EVENT_HEADER, f"u,i,{FAR_AHEAD},View", ["TIMESTAMP", str(FAR_AHEAD), "future"]),
        (EVENT_HEADER, "u,i,2023-11-14,View", ["TIMESTAMP", "'2023-11-14'", "long"]),
        (EVENT_HEADER, "u,i,1700000000.5,View", ["TIMESTAMP", "'1700000000.5'", "long"]),
        (EVENT_HEADER, ",i,1700000000,View", ["USER_ID", "''", "nullable"]),
        (EVENT_HEADER, "u,i,,View", ["TIMESTAMP", "''", "nullable"]),
        (EVENT_HEADER, f"u,{'i' * 257},1700000000,View", ["ITEM_ID", "256 characters"]),
        (ITEM_HEADER, "i,cheap,c,1,true,,", ["PRICE", "'cheap'", "float"]),
        (ITEM_HEADER, "i,inf,c,1,true,,", ["PRICE", "'inf'", "float"]),
        (ITEM_HEADER, "i,1,c,1.5,true,,", ["STOCK", "'1.5'", "int"]),
        (ITEM_HEADER, "i,1,c,3000000000,true,,", ["STOCK", "'3000000000'", "int"]),
        (ITEM_HEADER, "i,1,c,1,True,,", ["NEW", "'True'", "true or false"]),
        (ITEM_HEADER, f"i,1,{'c' * 1001},1,true,,", ["CATEGORY_L1", "1,000 characters"]),
        (ITEM_HEADER, f"i,1,c,1,true,{'n' * 20_001},", ["NOTE", "20,000 characters"]),
        (ITEM_HEADER, "i,1,c,1,true,,1700000000000", ["CREATION_TIMESTAMP", "seconds"]),
    ],
)
def test_a_bad_value_is_named(header: str, row: str, words: list[str]) -> None:
    good = "u,i,1700000000,View" if header == EVENT_HEADER else "i,1,c,1,true,n,1700000000"
    with pytest.raises(FileError) as failed:
        _read(header, good, row)
    for word in ["s3://b/f.csv, row 3", *words]:
        assert word in str(failed.value), str(failed.value)
    assert len(str(failed.value)) < 400


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("USER_ID,ITEM_ID,TIMESTAMP", ["missing the following columns:[EVENT_TYPE]", "s3://b/f.csv"]),
        (EVENT_HEADER + ",USER_ID", ["row 1", "USER_ID", "more than once"]),
        (EVENT_HEADER.lower(), ["missing", "USER_ID, ITEM_ID"]),
    ],
    ids=["missing", "twice", "case"],
)
def test_a_bad_header_is_named(header: str, words: list[str]) -> None:
    row = ",".join("1" * (header.count(",") + 1))
    with pytest.raises(FileError) as failed:
        read_csv({"s3://b/f.csv": f"{header}\n{row}\n".encode()}, EVENTS)
    for word in words:
        assert word in str(failed.value), str(failed.value)


def test_values_are_read_by_their_type() -> None:
    frame = _read(ITEM_HEADER, 'i,1,"a, \\"b\\" \\\\ c",7,true,ü,1900000000', "j,,,,,,")
    first, second = frame.to_dict("records")
    assert first == {
        "ITEM_ID": "i",
        "PRICE": 1.0,
        "CATEGORY_L1": 'a, "b" \\ c',
        "STOCK": 7.0,
        "NEW": "true",
        "NOTE": "ü",
        "CREATION_TIMESTAMP": 1_900_000_000.0,
    }
    assert second["ITEM_ID"] == "j" and frame.iloc[1].drop("ITEM_ID").isna().all()


def test_event_types_are_few_and_say_something() -> None:
    def events(types: list[str]):
        rows = [f"u,i,{1_700_000_000 + row},{types[row % len(types)]}" for row in range(1000)]
        return _read(EVENT_HEADER, *rows)

    check_interactions("s3://b/", events([f"Type{n}" for n in range(10)]))
    with pytest.raises(FileError, match="11 event types.*Type0.*10"):
        check_interactions("s3://b/", events([f"Type{n}" for n in range(11)]))
    with pytest.raises(FileError, match="event_type column are either reserved keywords or null"):
        check_interactions("s3://b/", events(["EVENT_TYPE"]))
    with pytest.raises(FileError, match="fewer than 1000 interactions.*999"):
        check_interactions("s3://b/", events(["View"])[:999])


def test_an_error_says_where_and_what() -> None:
    with pytest.raises(FileError) as failed:
        _read(ITEM_HEADER, "i,1,c,1,true,n,1700000000", "i,cheap,c,1,true,,")
    error = pickle.loads(pickle.dumps(failed.value))  # as it comes out of another process
    assert (error.file, error.row, error.column, error.value, error.allowed) == (
        "s3://b/f.csv",
        3,
        "PRICE",
        "cheap",
        "of type float",
    )
    assert str(error) == str(failed.value)


YEARS = [Field("ITEM_ID", "string", False), Field("YEAR", "int", False)]


def test_a_few_unreadable_numbers_of_items_are_missing_and_counted() -> None:
    """Recorded of an `int` field that allows no null: 12 blanks and one 2006–2007 in 9,742 rows, and ACTIVE."""
    years = ["", "2006–2007", *["1995"] * 198]
    body = "ITEM_ID,YEAR\n" + "".join(f"i{row},{year}\n" for row, year in enumerate(years))
    frame = read_csv({"f.csv": body.encode()}, YEARS)
    assert frame["YEAR"].isna().sum() == 2 and frame["YEAR"].dropna().tolist() == [1995] * 198
    assert frame.attrs["unreadable"] == {"YEAR": 2}
    with pytest.raises(FileError, match="row 3, YEAR: '2006–2007'"):
        read_csv({"f.csv": body.replace("i0,", "i0,1990").encode()[: len(body) // 4]}, YEARS)


def test_one_file_with_an_unreadable_number_does_not_excuse_another() -> None:
    few = "ITEM_ID,YEAR\n" + "i,\n" + "i,1995\n" * 199
    with pytest.raises(FileError, match="b.csv, row 2, YEAR: ''"):
        read_csv({"a.csv": few.encode(), "b.csv": b"ITEM_ID,YEAR\ni,\nj,1995\n"}, YEARS)
