"""Posts, questions and answers of members, with likes and reports; and the names they chose."""
