"""The measures by name, in the order they are run. Each takes the set-up and returns its rows."""

from bench.measures.cold_start import cold_start
from bench.measures.embedding import embedding
from bench.measures.embedding_map import embedding_map
from bench.measures.embedding_numbers import embedding_numbers
from bench.measures.endpoint_list import endpoint_list
from bench.measures.history import history
from bench.measures.layouts import embedding_layouts
from bench.measures.sessions import sessions
from bench.measures.stop import stop
from bench.measures.stream import four_models, long_stream, stream
from bench.measures.transforms import transform_hooks
from bench.measures.workspace import workspace_overhead, workspace_streams

MEASURES = {
    "stream": stream,
    "long-stream": long_stream,
    "four-models": four_models,
    "stop": stop,
    "history": history,
    "sessions": sessions,
    "cold-start": cold_start,
    "endpoint-list": endpoint_list,
    "workspace-overhead": workspace_overhead,
    "workspace-streams": workspace_streams,
    "transform-hooks": transform_hooks,
    "embedding-map": embedding_map,
    "embedding": embedding,
    "embedding-numbers": embedding_numbers,
    "embedding-layouts": embedding_layouts,
}
