"""Which served entity gets the next call: the split is kept as exactly as whole calls allow."""

from local_workspace.serving.records import Config, Endpoint, ServedEntity


class Traffic:
    """Smooth weighted round robin: after any 100 calls the shares are the percentages, and no entity comes in bursts.

    The platform draws lots instead; with turns, a handful of calls shows the split too.
    """

    def __init__(self) -> None:
        self._credits: dict[str, tuple[int, dict[str, int]]] = {}  # by endpoint id, of its newest config version

    def pick(self, endpoint: Endpoint, config: Config) -> ServedEntity:
        """The served entity whose turn it is."""
        version, credits_ = self._credits.get(endpoint.id, (config.version, {}))
        if version != config.version:
            credits_ = {}
        self._credits[endpoint.id] = config.version, credits_
        for route in config.routes:
            credits_[route.entity] = credits_.get(route.entity, 0) + route.percentage
        chosen = max((route for route in config.routes if route.percentage), key=lambda route: credits_[route.entity])
        credits_[chosen.entity] -= 100
        found = config.entity(chosen.entity)
        if found is None:
            raise LookupError(f"The route to '{chosen.entity}' leads to nothing.")  # bodies check that it does not
        return found
