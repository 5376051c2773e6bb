"""Texts from pasted lines and from files: as they stand there, or a sentence that says where not."""

import datetime
import io
import tomllib
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.embeddings.files.reading import ColumnKind, columns_of_file, how_read, read_file, read_lines
from services.embeddings.limits import MOST_FILE_BYTES, MOST_TEXT_BYTES, MOST_TEXTS
from services.embeddings.records import Texts
from services.errors import BadInput
from services.foreign_json import MAX_DEPTH


def parquet(columns, **options) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def kinds(name: str, content: bytes) -> dict[str, ColumnKind]:
    return {column.name: column.kind for column in columns_of_file(name, content)}


def test_lines_are_texts_without_the_blank_ones_and_other_breaks_do_not_part_them():
    assert read_lines(" 하나 \r\n\n  \ntwo\u2028three\rfour") == Texts(("하나", "two\u2028three", "four"))
    with pytest.raises(BadInput, match="no text"):
        read_lines(" \n\n")
    with pytest.raises(BadInput, match="Line 2 has 1,000,002 bytes") as refused:
        read_lines("short\n" + "가" * (MOST_TEXT_BYTES // 3 + 1))
    assert "parts" in refused.value.hint
    assert len(read_lines("가" * (MOST_TEXT_BYTES // 3))) == 1


def test_a_file_of_lines_is_read_as_lines_that_are_pasted():
    content = " 하나 \r\n\n  \n12\u2028three\rfour,five".encode("utf-16")
    assert read_file("a.txt", content, text_column="text").texts == ("하나", "12\u2028three", "four,five")
    assert kinds("a.txt", b"12\n13\n") == {"text": "text"}
    assert "UTF-16" in how_read("a.txt", content)
    with pytest.raises(BadInput, match="Line 3 has 1,000,001 bytes"):
        read_file("a.txt", b"short\n\n" + b"x" * (MOST_TEXT_BYTES + 1), text_column="text")
    with pytest.raises(BadInput, match="no rows"):
        columns_of_file("a.txt", b" \n")


def test_csv_values_stay_the_texts_they_are():
    content = b'id,text,score\n1,NA,0.5\n2,null,-3\n3,001,"1,000"\n4,1e5,7\n5,,8\n6," a ""quoted""\nline, ",9\n'
    assert kinds("a.CSV", content) == {"id": "number", "text": "text", "score": "number"}
    assert [(column.filled, column.example) for column in columns_of_file("a.csv", content)] == [
        (6, "1"),
        (5, "NA"),
        (6, "0.5"),
    ]
    read = read_file("a.csv", content, text_column="text", label_column="score", id_column="id")
    assert read.texts == ("NA", "null", "001", "1e5", "", ' a "quoted"\nline, ')
    assert read.labels == ("0.5", "-3", "1,000", "7", "8", "9")
    assert read.ids == tuple("123456")
    assert how_read("a.csv", content) == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text;n\n안녕, 여러분;1\n".encode("utf-8-sig"), "semicolons"),
        ("text\tn\n안녕, 여러분\t1\n".encode("utf-16"), "UTF-16 and tabs"),
        ("text|n\n안녕, 여러분|1\n".encode("cp949"), "CP949 (Korean Windows) and bars"),
        ("text\n안녕, 여러분\n".encode(), ""),
        ('text,n\r"안녕, 여러분",1\r'.encode(), ""),
        ('text,n\r\n"안녕, 여러분",1'.encode(), ""),
    ],
)
def test_encoding_and_delimiter_are_found_out_and_told(content, said):
    assert read_file("a.csv", content, text_column="text").texts == ("안녕, 여러분",)
    assert said in how_read("a.csv", content)


def test_columns_that_have_no_name_or_the_same_one_are_told_apart():
    assert list(kinds("a.csv", b"a,a,,a\n1,2,,x\n").items()) == [
        ("a", "number"),
        ("a (2)", "number"),
        ("column 3", "empty"),
        ("a (4)", "text"),
    ]


def test_json_lines_and_lists_are_rows_of_what_keys_they_have():
    content = (
        '{"text": "x", "n": 1, "b": true}\r\n\n{"text": null, "at": [1]}\n{"z": 1.5, "text": "\\ud55c 글"}'.encode()
    )
    assert kinds("a.jsonl", content) == {"text": "text", "n": "number", "b": "number", "at": "other", "z": "number"}
    assert read_file("a.ndjson", content, text_column="text", label_column="b", id_column="z") == Texts(
        ("x", "", "한 글"), ("true", "", ""), ("", "", "1.5")
    )
    assert read_file("a.json", b' [{"t": "x"}, {"t": "007"}]', text_column="t").texts == ("x", "007")
    assert read_file("a.json", '["하나", "two"]'.encode(), text_column="text").texts == ("하나", "two")
    python = b'[ {"t": "\\ud83d\\ude00", "n": NaN} ,\n{"t": "y", "n": -Infinity}, {"t": "z", "n": 1e999}\n]\n'
    assert read_file("a.json", python, text_column="t", label_column="n") == Texts(
        ("😀", "y", "z"), ("NaN", "-Infinity", "Infinity")
    )


def test_parquet_columns_are_read_by_their_own_types():
    content = parquet(
        {
            "a.b": ["p", None, "001"],
            "kind": pa.array(["u", "v", None]).dictionary_encode(),
            "at": [datetime.date(2026, 1, 31)] * 3,
            "n": [1, 2, None],
            "vector": [[1.0], [2.0], [3.0]],
            "raw": [b"x", b"y", b"z"],
        },
        row_group_size=2,
    )
    assert list(kinds("a.parquet", content).values()) == ["text", "text", "number", "number", "other", "other"]
    assert columns_of_file("a.parquet", content)[0].filled == 2
    read = read_file("a.parquet", content, text_column="a.b", label_column="kind", id_column="at")
    assert read == Texts(("p", "", "001"), ("u", "v", ""), ("2026-01-31",) * 3)
    assert read_file("a.parquet", content, text_column="kind", label_column="n").labels == ("1", "2", "")
    with pytest.raises(BadInput, match="“vector” holds lists"):
        read_file("a.parquet", content, text_column="a.b", label_column="vector")


GOOD = parquet({"text": ["a", "b"], "n": [1, 2]})
BAD_FILES = {
    "empty": ("a.csv", b"", "file is empty"),
    "no name": ("texts", b"a", "does not say what it is"),
    "workbook": ("a.xlsx", b"PK\x03\x04...", "xlsx cannot be read"),
    "workbook as csv": ("a.csv", b"PK\x03\x04...", "ends in .csv, and it is a ZIP"),
    "parquet as csv": ("a.csv", GOOD, "it is a Parquet file"),
    "csv as parquet": ("a.parquet", b"text,n\na,1\n" * 9, "cannot be read as Parquet"),
    "json as csv": ("a.csv", b'{"text": "a, b"}\n', "it is JSON"),
    "csv as json": ("a.jsonl", b"text,n\na,1\n", "Line 1 cannot be read as JSON"),
    "half a parquet": ("a.parquet", GOOD[: len(GOOD) // 2], "cannot be read as Parquet"),
    "broken parquet": ("a.parquet", GOOD[:4] + b"\xff" * 60 + GOOD[64:], "cannot be read as Parquet"),
    "header only": ("a.csv", b"text,n\n", "has no rows"),
    "blank lines": ("a.csv", b"\n\n\n", "has no rows"),
    "no objects": ("a.json", b"[]", "has no rows"),
    "no rows of parquet": ("a.parquet", parquet({"text": pa.array([], pa.string())}), "has no rows"),
    "numbers in a list": ("a.json", b'["a", 2]', "Entry 2 is no JSON object"),
    "deep": ("a.jsonl", b"[" * 100_000, "cannot be read as JSON"),
    "endless number": ("a.jsonl", b'{"text": ' + b"9" * 5000 + b"}", "Line 1 cannot be read as JSON"),
    "too many values": ("a.csv", b"text,n\na,1\nb,2,3\n", "Row 2 below the header has 3 values"),
    "too few values": ("a.csv", b"text,n\na,1\nb\n", "Row 2 below the header has 1 value,"),
    "open quote": ("a.csv", b'text,n\na,1\n"b,2\nc,3\n', "Row 2 below the header opens a quote"),
    "broken quote": ("a.csv", b'text,n\n"a" b,1\n', "Row 1 below the header cannot be read as CSV"),
    "half a letter": ("a.csv", "text,n\n가나,1\n다".encode()[:-1], "Line 3 holds bytes that are no UTF-8"),
    "half a letter in english": ("a.csv", "text\ncafé café\ncaf".encode() + b"\xc3A\n", "Line 3 holds bytes"),
    "latin": ("a.csv", "text\ngarçon, été\n".encode("latin-1"), "Line 2 holds bytes"),
    "nul": ("a.csv", b"text,n\na,1\nb\0,2\n", "Line 3 holds a NUL"),
    "utf-16 without a mark": ("a.csv", "text,n\na,1".encode("utf-16-le"), "NUL"),
    "half a character": ("a.jsonl", b'{"text": "a"}\n{"text": "\\ud83d"}', "Entry 2 holds half a character"),
    "giant text": (
        "a.csv",
        b'text,n\na,1\n"' + b"x" * 1_000_001 + b'",2',
        "Row 2 below the header has 1,000,001 bytes",
    ),
    "endless quote": (
        "a.csv",
        b'text,n\na,1\n"' + b"x,2\n" * 600_000,
        "Row 2 below the header has a value of more than 2 million",
    ),
    "half a parquet's reason": ("a.parquet", GOOD[: len(GOOD) // 2], "it was cut off"),
    "damaged name": ("a.parquet", GOOD.replace(b"text", b"te\xff\xff"), "cannot be read as Parquet"),
    "reason of no json": ("a.jsonl", b"text", "a value is missing, or a text has no quotes, at character 1"),
    "no comma in a list": (
        "a.json",
        b'[{"t": NaN}\n {"t": 2}]',
        "The file cannot be read as JSON: a comma is missing, at character 2",
    ),
    "after a list": ("a.json", b'["a"] "b"', "something follows its end, at character 7"),
    "in a list": ("a.json", b'["a", {"t" 1}]', "a colon is missing, at character 12"),
    "200,001 entries": ("a.json", b"[" + b"{}," * MOST_TEXTS + b"{}]", "more than 200,000 rows"),
    "endless line of json": (
        "a.jsonl",
        b'{"text": "x", "a": [' + b"[]," * 1_400_000 + b"1]}",
        "Line 1 has more than 4",
    ),
    "10,000 keys": ("a.jsonl", ("{" + ",".join(f'"{n}":1' for n in range(10_000)) + "}").encode(), "10,000 columns"),
    "long list": ("a.json", b"[" + b"{}," * 6_700_000 + b"{}]", "more than 20 MB"),
    "endless row": (
        "a.csv",
        b"text,n\na,1\n" + (b'"' + b"x" * 1_000_000 + b'\n",') * 20,
        "Row 2 below the header has more than 20",
    ),
    "endless line": ("a.csv", b"," * 20_000_001, "more than 20 million characters"),
    "10,000 columns": ("a.csv", ",".join(map(str, range(10_000))).encode() + b"\n", "10,000 columns"),
    "200,001 rows": ("a.csv", b"text\n" + b"x\n" * (MOST_TEXTS + 1), "more than 200,000 rows"),
    "200,001 rows of parquet": ("a.parquet", parquet({"text": ["x"] * (MOST_TEXTS + 1)}), "200,001 rows"),
    "numbers": ("a.csv", b"text,n\n1,a\n2.5,b\n", "“text” holds numbers"),
    "numbers of parquet": ("a.parquet", parquet({"text": [1, 2]}), "“text” holds numbers"),
    "objects": ("a.jsonl", b'{"text": {"a": "b"}}', "“text” holds something else"),
    "nothing": ("a.csv", b"text,n\n,1\n,2\n", "“text” holds nothing"),
    "no such column": ("a.csv", b"words,n\na,1\n", "no column “text”"),
}


@pytest.mark.parametrize(
    ("name", "before", "after"), [("a.jsonl", "", ""), ("a.json", "[", "]"), ("a.json", "[", ', {"n": NaN}]')]
)
def test_a_value_is_read_or_refused_at_every_depth(name, before, after):
    """Among them all about Python's own limit, where what reads a value and what writes it give up at different ones."""
    read, said, depths = [], set(), [2, MAX_DEPTH, MAX_DEPTH + 1, *range(900, 1000), 5_000]
    for depth in depths:
        try:
            kinds(name, f'{before}{{"text": "x", "a": {"[" * (depth - 1)}{"]" * (depth - 1)}}}{after}'.encode())
            read.append(depth)
        except BadInput as refused:
            said.add(refused.message)
    where = "The file" if before else "Line 1"
    assert read == [2, MAX_DEPTH]
    assert said == {f"{where} cannot be read as JSON: it is nested more than {MAX_DEPTH} levels deep."}


def test_a_list_of_millions_of_entries_is_not_in_memory_as_a_whole_when_its_first_is_refused():
    content = b"[" + b"[" * 201 + b"]" * 201 + b",1" * 2_000_000 + b"]"
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="nested more than 200 levels"):
            columns_of_file("a.json", content)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000  # one object for each would be 160 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_used_is_refused_with_a_sentence(case):
    name, content, said = BAD_FILES[case]
    with pytest.raises(BadInput) as refused:
        read_file(name, content, text_column="text")
    assert said in refused.value.message
    assert refused.value.hint
    assert len(refused.value.message) < 400


def test_a_label_that_is_none_is_refused_with_its_row():
    content = ('text,label\na,x\nb,"' + "y" * 1_001 + '"\n').encode()
    assert len(read_file("a.csv", content, text_column="text")) == 2
    with pytest.raises(BadInput, match="Row 2 below the header has a label or an id of 1,001 characters"):
        read_file("a.csv", content, text_column="text", label_column="label")


def test_a_key_with_half_a_character_is_a_column_that_can_be_drawn():
    content = b'{"text": "x", "a\\ud800": "y"}'
    assert list(kinds("a.jsonl", content)) == ["text", "a?"]
    assert read_file("a.jsonl", content, text_column="text", label_column="a?").labels == ("y",)


def test_a_date_beyond_pythons_spoils_no_file():
    content = parquet({"text": ["a", "b"], "never": pa.array([2_147_483_647, 0], pa.int32()).cast(pa.date32())})
    assert kinds("a.parquet", content)["never"] == "number"
    read = read_file("a.parquet", content, text_column="text", label_column="never")
    assert read.labels is not None
    assert read.labels[1] == "1970-01-01"


def test_the_refusal_of_a_column_names_those_that_hold_texts():
    with pytest.raises(BadInput) as refused:
        read_file("a.csv", b"n,words,place\n1,a b,here\n", text_column="n")
    assert refused.value.hint == "These hold texts: “words”, “place”."


def test_a_small_file_that_unpacks_to_gigabytes_is_refused():
    long = pa.array(["x" * 900_000])
    repeated = parquet({"text": pa.DictionaryArray.from_arrays(pa.array([0] * 100_000), long)})
    assert len(repeated) < 100_000
    with pytest.raises(BadInput, match="more than 300 million characters"):
        read_file("a.parquet", repeated, text_column="text")


def test_a_file_above_the_limit_is_refused_by_its_size():
    with pytest.raises(BadInput, match="300 is the most"):
        columns_of_file("a.csv", bytes(300_000_001))


def test_rows_are_read_in_parts_and_none_is_lost():
    texts = tuple(f"Sentence {place}, as people write it" for place in range(5_000))
    content = ("id,text,label\n" + "".join(f'{place},"{text}",a\n' for place, text in enumerate(texts))).encode()
    assert [column.filled for column in columns_of_file("a.csv", content)] == [5_000] * 3
    assert read_file("a.csv", content, text_column="text", label_column="label", id_column="id").texts == texts


def test_the_server_lets_a_file_in_that_is_as_large_as_one_may_be():
    server = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text())["server"]
    assert server["maxUploadSize"] * 2**20 >= MOST_FILE_BYTES
