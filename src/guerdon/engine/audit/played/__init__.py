"""What members played, judged again."""
