"""What costs money at the till: gifts, free shipping, coupons, rewards nobody can have, batches."""
