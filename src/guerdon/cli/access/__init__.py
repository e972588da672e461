"""Who may come in: the people of the console."""
