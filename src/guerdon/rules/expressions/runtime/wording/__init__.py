"""Texts and bytes at run time: their functions, patterns, formats and encodings."""
