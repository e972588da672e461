"""What runs a program beside its members: keys, webhooks, health and figures."""
