"""The watch over every page sees what it has to see: without this, its silence would prove nothing."""

import pytest

from tests.browser.conftest import Pages
from tests.browser.scripted_workspace import Trap

pytestmark = pytest.mark.browser


def test_an_outside_request_an_error_and_a_dialog_are_noticed(make_page: Pages) -> None:
    page, trap = make_page(), Trap()
    watch = make_page.watch(page)
    page.set_content(
        f"<img src='{trap.url}/pixel.png'><script>alert('hello'); console.error('oh'); throw Error('no')</script>"
    )
    page.wait_for_load_state("load")
    trap.close()
    assert watch.outside == [f"asked elsewhere: {trap.url}/pixel.png"]
    assert watch.dialogs == ["dialog: hello"]
    assert any("oh" in error for error in watch.errors)
    assert any("page error: no" in error for error in watch.errors)
    assert set(watch.unexpected()) == {*watch.outside, *watch.dialogs, *watch.errors}
    for seen in (watch.outside, watch.dialogs, watch.errors):
        seen.clear()
