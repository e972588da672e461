"""What people look for who open the books: orders by day and buyer, open carts by when they lapse."""
