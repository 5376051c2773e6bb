"""One call of an endpoint with any JSON body: how it wants to be asked, the body as a form, and the job that makes the call."""

from services.invocation.bodies import get_test_body, read_openapi, test_body
from services.invocation.fields import Field, Kind, text_of, value_of, wrong_with
from services.invocation.forms import (
    Misfit,
    Slot,
    form_in,
    holds_rows,
    in_form,
    misfits,
    read,
    shows,
    slots_of,
    written,
)
from services.invocation.interface import (
    ROWS,
    UNKNOWN,
    Example,
    Form,
    Interface,
    get_interface,
    interface_of_openapi,
    interface_of_signature,
    interface_of_task,
)
from services.invocation.job import InvocationJob, InvocationReply
from services.invocation.predictions import Predictions, predictions_in, text_in_events
from services.invocation.request import invocation_path
from services.invocation.rows import cell_of, columns_of, drawable, edited, rows_of, with_rows

__all__ = [
    "ROWS",
    "UNKNOWN",
    "Example",
    "Field",
    "Form",
    "Interface",
    "InvocationJob",
    "InvocationReply",
    "Kind",
    "Misfit",
    "Predictions",
    "Slot",
    "cell_of",
    "columns_of",
    "drawable",
    "edited",
    "form_in",
    "get_interface",
    "get_test_body",
    "holds_rows",
    "in_form",
    "interface_of_openapi",
    "interface_of_signature",
    "interface_of_task",
    "invocation_path",
    "misfits",
    "predictions_in",
    "read",
    "read_openapi",
    "rows_of",
    "shows",
    "slots_of",
    "test_body",
    "text_in_events",
    "text_of",
    "value_of",
    "with_rows",
    "written",
    "wrong_with",
]
