"""What all parts of a definition are made of: scalars, texts, and the words for what is wrong."""
