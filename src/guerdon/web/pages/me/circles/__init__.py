"""What a member does with others: leaderboards, teams, posts, invitations."""
