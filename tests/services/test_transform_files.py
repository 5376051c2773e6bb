"""Transforms as ``.py`` files."""

import pytest

from services.errors import BadInput
from services.transforms import file_name, read_source
from services.transforms.library import MOST_SOURCE

SOURCE = 'def transform_output(response):\n    return "é벽"\n'


@pytest.mark.parametrize(
    "content",
    [SOURCE.encode(), b"\xef\xbb\xbf" + SOURCE.encode(), SOURCE.replace("\n", "\r\n").encode()],
    ids=["plain", "with a byte order mark", "CRLF"],
)
def test_a_file_is_its_text_however_it_was_saved(content):
    assert read_source(content) == SOURCE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"#" * (MOST_SOURCE + 1), "200,001 bytes; 200,000"),
        (b"x = 1\n\x80\x04\x95pickle", "line 2 holds other bytes"),
        (SOURCE.encode("utf-16"), "not UTF-8"),
        ("# 벽".encode("cp949"), "not UTF-8"),
        (SOURCE.encode()[: SOURCE.encode().index(b"\xeb") + 1], "half of it seems to be missing"),
        (b"x = '\0'", "NUL"),
    ],
)
def test_what_is_no_source_is_refused(content, says):
    with pytest.raises(BadInput, match=says):
        read_source(content)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("Be concise", "be_concise.py"),
        ("../../etc/passwd", "etc_passwd.py"),
        ("변환", "변환.py"),
        ("CON", "transform_con.py"),
        ("💥", "transform.py"),
        ("-rf", "rf.py"),
        ("a" * 80, "a" * 60 + ".py"),
        ('x"; rm -rf ~', "x_rm_-rf.py"),
    ],
)
def test_a_files_name_is_safe_on_any_system(name, file):
    assert file_name(name) == file
