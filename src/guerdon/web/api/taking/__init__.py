"""What is taken and given: redemptions as they are shown, access tokens, causes."""
