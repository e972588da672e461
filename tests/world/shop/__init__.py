"""A shop's world: carts, coupons, rewards and returns, beside a model of their own."""
