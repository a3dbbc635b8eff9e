"""The inbox: what machines sent, and what was refused."""
