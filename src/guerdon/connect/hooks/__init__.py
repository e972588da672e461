"""Webhooks in: doors for other systems' orders, each with a signature and a mapping."""
