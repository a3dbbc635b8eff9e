"""Admin: records are looked at, keys and addresses are set. One file for what
producers sent, one for what people made of it."""

from runs.admin import findings, records

__all__ = ["findings", "records"]
