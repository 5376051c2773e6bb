"""Who was given what on which object: direct grants in the database, and what follows from them for a caller."""

from collections.abc import Iterable
from dataclasses import dataclass

from local_workspace.database import Database
from local_workspace.identity.users import User
from local_workspace.permissions.kinds import CAN_MANAGE, KINDS

TABLE = """
CREATE TABLE IF NOT EXISTS grants (
    object_type TEXT NOT NULL,
    object_id TEXT NOT NULL,
    principal_field TEXT NOT NULL,
    principal TEXT NOT NULL,
    level TEXT NOT NULL,
    PRIMARY KEY (object_type, object_id, principal_field, principal)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class Grant:
    """A level given to one principal. `principal_field` is what the API calls its kind: `user_name` or `group_name`."""

    principal_field: str
    principal: str
    level: str

    @classmethod
    def to_user(cls, user: User, level: str) -> "Grant":
        """What a creator gets on what was created."""
        return cls("user_name", user.user_name, level)

    @classmethod
    def to_group(cls, group: str, level: str) -> "Grant":
        """A grant to everyone in `group`: `users` is everyone."""
        return cls("group_name", group, level)


class PermissionStore:
    """Grants on objects. `object_type` is the word in the API's path: `clusters`, `serving-endpoints`.

    Admins have CAN_MANAGE on everything, whatever was granted: they cannot be locked out.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.script(TABLE)

    def level(self, object_type: str, object_id: str, user: User) -> str | None:
        """The strongest level of the user's own grants and its groups', None without any."""
        if user.is_admin:
            return CAN_MANAGE
        held = [
            grant.level
            for grant in self.grants(object_type, object_id)
            if (grant.principal_field == "group_name" and grant.principal in user.groups)
            or (grant.principal_field == "user_name" and grant.principal == user.user_name)
        ]
        return KINDS[object_type].strongest(held)

    def allows(self, object_type: str, object_id: str, user: User, level: str) -> bool:
        """Whether the user has `level` on the object, or a stronger one."""
        held = self.level(object_type, object_id, user)
        kind = KINDS[object_type]
        return held is not None and kind.rank(held) >= kind.rank(level)

    def grants(self, object_type: str, object_id: str) -> list[Grant]:
        """The direct grants on an object, users first, each kind by name."""
        rows = self._database.rows(
            "SELECT principal_field, principal, level FROM grants WHERE object_type = ? AND object_id = ?"
            " ORDER BY principal_field DESC, principal",
            (object_type, object_id),
        )
        return [Grant(*row) for row in rows]

    def replace(self, object_type: str, object_id: str, grants: Iterable[Grant]) -> None:
        """Make `grants` the object's only direct ones."""
        with self._database.transaction():
            self.forget(object_type, object_id)
            self._put(object_type, object_id, grants)

    def merge(self, object_type: str, object_id: str, grants: Iterable[Grant]) -> None:
        """Add `grants`; a principal that had another level on the object has the new one."""
        with self._database.transaction():
            self._put(object_type, object_id, grants)

    def forget(self, object_type: str, object_id: str) -> None:
        """Drop every direct grant: the object is gone."""
        self._database.run("DELETE FROM grants WHERE object_type = ? AND object_id = ?", (object_type, object_id))

    def _put(self, object_type: str, object_id: str, grants: Iterable[Grant]) -> None:
        for grant in grants:
            self._database.run(
                "INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?)",
                (object_type, object_id, grant.principal_field, grant.principal, grant.level),
            )
