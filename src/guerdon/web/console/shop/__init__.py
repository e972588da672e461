"""What a shop sees of its orders, carts, coupons and rewards."""
