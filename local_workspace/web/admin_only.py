"""The door of routes that no Databricks workspace has: the admin's."""

from starlette.requests import Request

from local_workspace.refusals import permission_denied


async def admin_only(request: Request) -> None:
    """For a router's `dependencies`. Raises RefusalError (403) for anybody else."""
    if not request.scope["caller"].is_admin:
        raise permission_denied("Only the workspace's admin may use the routes of /_local.")
