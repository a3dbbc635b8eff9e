"""The steps of one run in the order they ran: tree, rows, bars, loops, and where the time went."""
