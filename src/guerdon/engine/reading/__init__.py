"""Commands, as they become what is decided upon."""
