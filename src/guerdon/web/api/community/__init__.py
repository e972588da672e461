"""Posts, questions and answers over HTTP, and what staff does with them."""
