"""Admin: records are read, keys and addresses are set. One file for apps, one for executions, one
for what producers sent, one for what people and the console add."""

from runs.admin import apps, executions, findings, records

__all__ = ["apps", "executions", "findings", "records"]
