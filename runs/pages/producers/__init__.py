"""How to connect each producer: the pages of docs/producers/, shown with this console's address."""
