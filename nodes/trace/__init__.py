"""The steps of one run in the order in which they ran: tree, rows, bars, and where the time
went."""
