"""A small world: seeded people at the real engine, beside a tiny model that knows what must come."""
