"""Admin: records are looked at, keys and addresses are set. One file for apps, one for what
producers sent, one for what people made of it."""

from runs.admin import apps, executions, findings, records

__all__ = ["apps", "executions", "findings", "records"]
