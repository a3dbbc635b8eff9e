"""The run page: header, RESULT, DETAIL, and the Markdown report."""
