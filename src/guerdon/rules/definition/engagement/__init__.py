"""What brings people back: challenges, quizzes, draws, boards, referral, segments, journeys, surveys."""
