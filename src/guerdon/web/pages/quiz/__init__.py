"""The page on which a member takes a quiz: one question at a time, with plain forms, in their language."""
