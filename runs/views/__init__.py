"""The pages, one file per noun; thin function views."""
