"""What members play, where it meets the account: quizzes begun, answered, finished, and told as events."""
