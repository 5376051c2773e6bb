"""Give what an endpoint serves other shares of its traffic: an update of its config in which nothing else changes."""

from collections.abc import Mapping

from services.endpoint_setup.sending import draft_of, untold_keys, update_call
from services.endpoint_setup.traffic import names_of, with_shares
from services.endpoints import Change, ChangeKind, EndpointDetail
from services.errors import BadInput


def traffic_change(detail: EndpointDetail, shares: Mapping[str, int]) -> Change:
    """Give each served entity its share of the calls, in percent; what is served stays as it is.

    Raises BadInput: not 100 in sum, or a key that would be needed again, which no workspace gives back.
    """
    name, body = detail.endpoint.name, draft_of(detail)
    names = names_of(body)
    unknown = set(shares) - set(names)
    if unknown or not names:
        raise BadInput(f"{name} does not serve {', '.join(sorted(unknown)) or 'anything'}.", "Refresh the page.")
    if sum(shares.values()) != 100 or min(shares.values()) < 0:
        raise BadInput(f"The shares add up to {sum(shares.values())} %.", "Change them until they add up to 100 %.")
    if hidden := hidden_keys(detail):
        raise BadInput(
            f"The key of {', '.join(hidden)} is not a secret reference, so it would be lost.",
            "Change what the endpoint serves, and put a secret reference there.",
        )
    config = with_shares(body, [shares.get(one, 0) for one in names])["config"]
    return Change(ChangeKind.TRAFFIC, name, *update_call(name, config))


def hidden_keys(detail: EndpointDetail) -> list[str]:
    """The served entities of which a key was given as text: no workspace tells it, and an update needs it again."""
    names = names_of(draft_of(detail))
    return list(dict.fromkeys(names[int(path[2])] for path in untold_keys(detail)))
