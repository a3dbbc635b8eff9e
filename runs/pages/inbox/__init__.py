"""The inbox: the requests that producers sent, and the records that were refused."""
