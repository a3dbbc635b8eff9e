"""Keep secrets and masked values out of what is shown: on pages, in files, in shared links."""
