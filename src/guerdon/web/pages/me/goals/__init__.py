"""What a member can reach: tiers, challenges, badges, quizzes."""
