"""The light row of an execution, which all code that reads every step of a run starts from. Pure.

TRACING, the graph, loops, comparisons and lineage read thousands of steps at a time. Each declares
a subclass of `LightStep` with the further columns that it needs, and loads it with
`NodeExecution.objects.light_rows(*those_columns)`.
"""

from dataclasses import dataclass

# The columns of `light_rows` that come first, in the order of the fields of `LightStep`.
LIGHT_COLUMNS = ("hex_id", "hex_parent", "node_id", "kind", "status", "iteration")
# A row of LIGHT_COLUMNS alone; its ids are as the database writes them, None for no parent.
LightRow = tuple[str, str | None, str, str, str, str]


@dataclass(slots=True, eq=False)
class LightStep:
    """One execution. `id` and `parent_id` are 32 hex digits, `parent_id` "" at the top;
    `iteration` is the stored path of loop iterations from 0 ("3.0"), "" outside any loop."""

    id: str
    parent_id: str = ""
    node_id: str = ""
    kind: str = ""
    status: str = "succeeded"
    iteration: str = ""
