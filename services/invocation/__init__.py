"""One call of an endpoint with any JSON body: the job that makes it, and the smallest sensible body to try it with."""

from services.invocation.bodies import get_test_body, read_openapi, test_body
from services.invocation.job import InvocationJob, InvocationReply
from services.invocation.request import as_object, invocation_path

__all__ = [
    "InvocationJob",
    "InvocationReply",
    "as_object",
    "get_test_body",
    "invocation_path",
    "read_openapi",
    "test_body",
]
