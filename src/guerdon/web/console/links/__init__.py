"""Members' own pages, at the desk."""
