"""Presents stored values to people.

A value is whatever JSON can hold, as its producer sent it. Modules, from bytes to page:

- `payloads`: a stored `Payload` decoded, and presented as parts, as a tree, or raw
- `parts`: a value as parts, each with a template: text, table, messages, documents, file, fields
- `messages`, `documents`, `tools`: the shapes that producers give messages, retrieved documents and
  tool definitions
- `markdown`: Markdown as safe HTML; `plain_text`: Markdown and broken JSON as one plain line
- `previews`: the most telling line of a value, for lists and rows
- `json_tree`: a value as a tree to click through; `logs`: the logs of a step
- `limits`: how much of all this a page shows at once
- `unicode_form`: Unicode normal forms in bounded time
"""
