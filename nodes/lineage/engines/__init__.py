"""The workflow engines whose settings lineage reads: one module each, and one entry here.

What an engine has to answer is in `nodes/lineage/engine.py`. All of them are asked, in this order;
one that does not know a graph has nothing to say about it. Nothing outside of this package knows
any engine's settings. Pure.
"""

from collections.abc import Callable

from nodes.lineage.engine import Engine
from nodes.lineage.engines.dify.links import DifyEngine
from nodes.lineage.run_index import RunIndex

ENGINES: tuple[Callable[[RunIndex], Engine], ...] = (DifyEngine,)
