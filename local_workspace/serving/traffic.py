"""Which served entity gets the next call: the split is kept as exactly as whole calls allow."""

from local_workspace.serving.records import Config, Endpoint, ServedEntity


class Traffic:
    """Smooth weighted round robin: after any 100 calls the shares are the percentages, and no entity comes in bursts.

    The platform draws lots instead; with turns, a handful of calls shows the split too.
    """

    def __init__(self) -> None:
        self._credits: dict[tuple[str, int], dict[str, int]] = {}

    def pick(self, endpoint: Endpoint, config: Config) -> ServedEntity:
        """The served entity whose turn it is."""
        credits_ = self._credits.setdefault((endpoint.id, config.version), {})
        for route in config.routes:
            credits_[route.entity] = credits_.get(route.entity, 0) + route.percentage
        chosen = max((route for route in config.routes if route.percentage), key=lambda route: credits_[route.entity])
        credits_[chosen.entity] -= 100
        found = config.entity(chosen.entity)
        if found is None:
            raise LookupError(f"The route to '{chosen.entity}' leads to nothing.")  # bodies check that it does not
        return found

    def forget(self, endpoint: Endpoint) -> None:
        """Drop what is known of an endpoint that is gone."""
        self._credits = {key: value for key, value in self._credits.items() if key[0] != endpoint.id}
