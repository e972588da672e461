"""From the tree as written to the typed tree: names, types, conversions, functions."""
