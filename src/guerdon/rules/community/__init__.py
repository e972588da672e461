"""What is read out of members' words, and how they may call themselves."""
