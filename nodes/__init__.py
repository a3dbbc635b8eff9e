"""One step: node executions and payloads, what a node kind is, the tree, the graph, prices."""
