"""I/O that knows no loyalty noun: database, settings, outbox, jobs, mail."""
