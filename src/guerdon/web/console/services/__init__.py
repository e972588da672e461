"""Services that members asked for: due ones first, a time for each, done or declined."""
