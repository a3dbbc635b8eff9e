"""How a step was decoded: which received attribute gave each of its fields."""
