"""Set up an endpoint: from a draft, which is the body itself, to an endpoint that is being deployed.

A draft is JSON. ``providers`` and ``entity_forms`` say which fields there are, ``entities`` and ``traffic`` change a draft,
``problems`` says what is wrong with it, ``create_endpoint`` and ``update_config`` send it.
"""

from services.endpoint_setup.changes import Change, config_changes
from services.endpoint_setup.checks import existing, missing_references, name_problems, problems, references
from services.endpoint_setup.draft import Body, path_text, value_at, with_value
from services.endpoint_setup.entities import (
    Entity,
    new_body,
    new_custom_entity,
    new_entity,
    new_external_entity,
    new_foundation_entity,
    with_entity,
    with_field,
    with_provider,
    with_variant,
    without_entity,
)
from services.endpoint_setup.entity_checks import why_no_variable
from services.endpoint_setup.entity_forms import (
    ENDPOINT_FIELDS,
    ENTITIES,
    EntityKind,
    by_model_units,
    entity_fields,
    kind_of,
)
from services.endpoint_setup.fields import FieldKind, FormField, PlacedField, walk
from services.endpoint_setup.json_text import parsed, shown
from services.endpoint_setup.problems import Problem
from services.endpoint_setup.providers import PROVIDERS, TASKS, Provider, Variant, provider_named, variant_of
from services.endpoint_setup.secret_fields import NO_SECRET, without_values
from services.endpoint_setup.sending import (
    create_call,
    create_endpoint,
    draft_of,
    untold_keys,
    update_call,
    update_config,
)
from services.endpoint_setup.shifting import hidden_keys, traffic_change
from services.endpoint_setup.traffic import (
    ROUTES,
    default_name,
    even_split,
    name_of,
    names_of,
    shares_of,
    with_shares,
)

__all__ = [
    "ENDPOINT_FIELDS",
    "ENTITIES",
    "NO_SECRET",
    "PROVIDERS",
    "ROUTES",
    "TASKS",
    "Body",
    "Change",
    "Entity",
    "EntityKind",
    "FieldKind",
    "FormField",
    "PlacedField",
    "Problem",
    "Provider",
    "Variant",
    "by_model_units",
    "config_changes",
    "create_call",
    "create_endpoint",
    "default_name",
    "draft_of",
    "entity_fields",
    "even_split",
    "existing",
    "hidden_keys",
    "kind_of",
    "missing_references",
    "name_of",
    "name_problems",
    "names_of",
    "new_body",
    "new_custom_entity",
    "new_entity",
    "new_external_entity",
    "new_foundation_entity",
    "parsed",
    "path_text",
    "problems",
    "provider_named",
    "references",
    "shares_of",
    "shown",
    "traffic_change",
    "untold_keys",
    "update_call",
    "update_config",
    "value_at",
    "variant_of",
    "walk",
    "why_no_variable",
    "with_entity",
    "with_field",
    "with_provider",
    "with_shares",
    "with_value",
    "with_variant",
    "without_entity",
    "without_values",
]
