"""Keep secrets and masked values out of what is shown: on pages, in files, in shared links.

Two words, two signs. To *redact* is to take a secret out automatically: `secrets.py`
recognises it by its name or its form and writes REDACTED in its place. To *mask* is to take out
what was chosen to be kept from those who open a share link: `masks.py` writes MASKED in its place.
`unescape.py` undoes the escaping of a text, so that a masked word cannot hide in it.
"""
