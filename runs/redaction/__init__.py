"""Keep secrets and masked values out of what is shown: on pages, in files, in shared links.

Two words, two signs. To *redact* is to take a secret out without anybody asking: `secrets.py`
recognises it by its name or its form and writes REDACTED in its place. To *mask* is to take out
what somebody chose to keep from those who open a share link: `masks.py` writes MASKED in its place.
`unescape.py` reads a text as somebody does who undoes its escaping, so that a masked word cannot
hide in it.
"""
