"""How a step was read: which attribute gave each of its fields."""
