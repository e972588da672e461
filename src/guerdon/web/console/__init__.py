"""The console: pages for the people who run programs."""
