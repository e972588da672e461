"""What operators see of a running server: figures from the engine and the database, and traces."""
