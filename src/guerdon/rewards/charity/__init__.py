"""What charities are paid: what members gave in a period, and what the shop put on top."""
