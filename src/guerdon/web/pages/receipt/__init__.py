"""The receipt of a donation as a page that is printed."""
