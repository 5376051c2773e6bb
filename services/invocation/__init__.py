"""One call of an endpoint with any JSON body: how it wants to be asked, the body as a form, and the job that makes the call."""

from services.invocation.bodies import get_test_body, read_openapi, test_body
from services.invocation.contract import (
    ROWS,
    UNKNOWN,
    Contract,
    Example,
    Form,
    contract_of_openapi,
    contract_of_signature,
    contract_of_task,
    get_contract,
)
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
from services.invocation.job import InvocationJob, InvocationReply
from services.invocation.predictions import Predictions, predictions_in, text_in_events
from services.invocation.request import invocation_path
from services.invocation.rows import cell_of, columns_of, drawable, edited, rows_of, with_rows

__all__ = [
    "ROWS",
    "UNKNOWN",
    "Contract",
    "Example",
    "Field",
    "Form",
    "InvocationJob",
    "InvocationReply",
    "Kind",
    "Misfit",
    "Predictions",
    "Slot",
    "cell_of",
    "columns_of",
    "contract_of_openapi",
    "contract_of_signature",
    "contract_of_task",
    "drawable",
    "edited",
    "form_in",
    "get_contract",
    "get_test_body",
    "holds_rows",
    "in_form",
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
