"""Teams that accounts form among themselves."""
