"""The roof's web half: HTTP in, one action of a floor below, JSON or a page out."""
