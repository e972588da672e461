"""What members play: tries at quizzes, each a row."""
