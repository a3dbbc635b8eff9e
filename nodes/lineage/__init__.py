"""Lineage: where a value came from and where it went, within one run. The map:

A link (`links.py`) says that a value of a step came from somewhere, how it was changed on the way,
and why this is known. Why a value is linked to a step, in the order of the rules:

1. Declared, so certain (`declared.py`):
   a. the settings of the step's node refer to a variable: `engines/`, one module for each workflow
      engine (`engine.py` says what an engine has to answer)
   b. a start step passes on the run's inputs, by name and value
   c. a sender that the producer names output the value
   d. the id of a tool call leads from a tool to its model, and from a model to the result:
      `tool_calls.py`
2. Equal, so likely (`value_search.py`): the same distinctive value, or a text inside of a text,
   stands in the outputs of an earlier step; `values.py` says what is distinctive. It counts only
   where no declared link says so already.

`origins.py` applies both rules to the inputs and outputs of one step. `uses.py` turns them round:
which later steps used the outputs of a step. `trace.py` follows links back to the first origin, and
forward to the run's output. `variables.py` lists a run's variables with what was written to them.

All of them read a run from `run_index.py` (its steps, graph and loaded values); `steps.py` says
which steps could see which. The pages are in `runs/pages/lineage/` and `runs/pages/variables/`.
"""
