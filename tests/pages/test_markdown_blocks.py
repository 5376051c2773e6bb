import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from markdown_it import MarkdownIt

from ui.answers import GrowingText
from ui.markdown_blocks import HARD, SOFT, closed, closing, cut, safe

LINES = some.sampled_from(
    [
        "A plain line of text, long enough to matter for the limit of a block.\n",
        "\n",
        "# A heading\n",
        "- a list item\n",
        "  continued\n",
        "1. first\n",
        "| a | b |\n",
        "> quoted\n",
        "```python\n",
        "```\n",
        "~~~\n",
        "$$\n",
        "x = 1\n",
        "안녕하세요 **굵게** 👋🏽\n",
        "![picture](http://outside.example/x.png)\n",
        "no line end",
        "`code ![a](b)` and ![b](http://outside.example)\n",
    ]
)
ANSWERS = some.lists(LINES, max_size=120).map("".join)


class Page:
    """Stands in for Streamlit's containers: keeps what each slot shows last."""

    def __init__(self) -> None:
        self.slots: list[list[str]] = []

    def empty(self) -> "Slot":
        self.slots.append([])
        return Slot(self, self.slots[-1])

    @property
    def shown(self) -> list[str]:
        return [slot[-1] for slot in self.slots if slot]


class Slot:
    def __init__(self, page: Page, drawn: list[str]) -> None:
        self.page = page
        self.drawn = drawn

    def container(self) -> Page:
        return self.page

    def markdown(self, text: str) -> None:
        self.drawn.append(text)


@settings(max_examples=200, deadline=None)
@given(ANSWERS, some.integers(1, 900))
def test_the_blocks_of_an_answer_are_the_answer_however_it_arrives(answer: str, piece: int):
    page = Page()
    growing = GrowingText(page)
    for end in range(0, len(answer) + piece, piece):
        growing.show(answer[:end])
    shown = "".join(page.shown)
    for marker in ("A plain line", "# A heading", "x = 1", "안녕하세요", "no line end", "- a list item"):
        assert shown.count(marker) == answer.count(marker)


@settings(max_examples=200, deadline=None)
@given(ANSWERS)
def test_a_tail_never_grows_without_bound_and_cuts_fall_on_line_ends(answer: str):
    tail = answer
    while place := cut(tail):
        assert 0 < place.length <= len(tail)
        assert tail[place.length - 1] == "\n"
        tail = tail[place.length :]
    longest_line = max((len(line) for line in answer.split("\n")), default=0)
    assert len(tail) <= HARD + longest_line + 1


def test_a_short_answer_is_one_block():
    assert cut("word " * (SOFT // 5 - 1)) is None


def test_a_fence_is_not_cut_before_the_hard_limit():
    assert cut("```python\n" + "x = 1\n\n" * 200) is None


def test_a_fence_cut_at_the_hard_limit_is_closed_and_opened_again_with_its_language():
    place = cut("```python\n" + "x = 1\n\n" * 1000)
    assert place is not None
    assert place.fence == "```python\n"
    assert closing(place.fence) == "```"


@pytest.mark.parametrize("follower", ["- item", "2. item", "| a |", "> quote", "    indented", "[ref]: http://x"])
def test_a_block_does_not_end_where_the_next_line_may_belong_to_it(follower: str):
    assert cut("text " * 100 + "\n\n" + follower) is None


@pytest.mark.parametrize(
    "picture",
    [
        "![](http://outside.example/x.png)",
        "![alt](//outside.example/x.png 'title')",
        "![alt][ref]\n\n[ref]: http://outside.example/x.png",
        "\\![alt](http://outside.example/x.png)",
        "\\\\![alt](http://outside.example/x.png)",
        "[![alt](http://outside.example/x.png)](http://outside.example)",
        "> - ![alt](http://outside.example/x.png)",
        "``` not a fence ``` ![alt](http://outside.example/x.png)",
        "`one` ![alt](http://outside.example/x.png) `two`",
        "a ` b\n\n![x](http://outside.example/a.png)\n\nc ` d",
        "\\`![x](http://outside.example/b.png)\\`",
        "<div>\n```\n\n![x](http://outside.example/c.png)\n\n```\n</div>",
        "<!--\n```\n-->\n\n![x](http://outside.example/d.png)\n",
        "one\r![x](http://outside.example/e.png)\r\n```\r\n![y](http://outside.example/f.png)",
        "a\u2028b\n```\ncode\n```\n![x](http://outside.example/g.png)",
    ],
)
def test_no_picture_survives_whatever_is_raw_html_and_whatever_is_code(picture: str):
    for html in (True, False):
        reader = MarkdownIt("commonmark", {"html": html})
        kinds = [child.type for token in reader.parse(safe(picture)) for child in token.children or ()]
        assert "image" not in kinds


def test_code_is_left_as_it_is():
    fence = "```rust\nlet a = vec![1]; // costs $5\n```\n"
    assert safe(fence) == fence
    assert safe("use `vec![1]` here") == "use `vec![1]` here"


def test_prices_are_not_formulas():
    assert safe("from $5 to $10") == r"from \$5 to \$10"
    assert safe("$x^2$") == "$x^2$"


@pytest.mark.parametrize(
    ("tail", "drawn"),
    [
        ("some **bold", "some **bold**"),
        ("some **bold** text", "some **bold** text"),
        ("some `code", "some `code`"),
        ("```python\nx = `", "```python\nx = `"),
        ("done.\n\nnew **par", "done.\n\nnew **par**"),
    ],
)
def test_a_tail_is_closed_so_that_it_does_not_flicker(tail: str, drawn: str):
    assert closed(tail) == drawn
