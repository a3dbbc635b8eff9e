"""The pages: one folder for each noun, with its views and what only they use."""
