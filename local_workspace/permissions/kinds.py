"""What permissions can be given on: one row a kind of object, with its levels from weakest to strongest."""

from dataclasses import dataclass

CAN_MANAGE = "CAN_MANAGE"  # the strongest level of every kind, which admins have on everything


@dataclass(frozen=True)
class ObjectKind:
    """A kind of object. `path` is its word in URLs, `object_type` the one in replies, `noun` the one in sentences.

    `levels` maps each permission level, weakest first, to the description that `permissionLevels` shows.
    """

    path: str
    object_type: str
    noun: str
    levels: dict[str, str]

    def rank(self, level: str) -> int:
        """How strong `level` is, from 0. Raises ValueError for one that this kind does not have."""
        return list(self.levels).index(level)

    def strongest(self, levels: list[str]) -> str | None:
        """The strongest of `levels`, None when there is none."""
        return max(levels, key=self.rank, default=None)


KINDS = {
    kind.path: kind
    for kind in (
        ObjectKind(
            "serving-endpoints",
            "serving-endpoint",
            "serving endpoint",
            {
                "CAN_VIEW": "Can view the serving endpoint",
                "CAN_QUERY": "Can view and query the serving endpoint",
                CAN_MANAGE: "Can view, query, change and delete the serving endpoint, and change its permissions",
            },
        ),
        ObjectKind(
            "clusters",
            "cluster",
            "cluster",
            {
                "CAN_ATTACH_TO": "Can attach to the cluster and reach the apps on its driver",
                "CAN_RESTART": "Can attach to, start, restart and terminate the cluster",
                CAN_MANAGE: "Can attach to, start, restart, terminate and edit the cluster, and change its permissions",
            },
        ),
    )
}
