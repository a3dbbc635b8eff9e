"""Everything about one step: executions, payloads, kinds of nodes, the tree, the graph, prices."""
