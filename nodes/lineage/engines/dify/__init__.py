"""Dify's settings: what they refer to (`references`), which variables its assigners write
(`assigners`), which step's value a reference means (`sources`), where that value stands in the step
that read it (`placement`), and the links that follow (`links`)."""
