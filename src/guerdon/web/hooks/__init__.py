"""Inbound webhooks: the doors through which other systems' orders come."""
