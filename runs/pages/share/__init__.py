"""Links that show one run to people without an account."""
