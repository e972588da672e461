"""The rooms of the console, one module for each, with what their pages need."""
