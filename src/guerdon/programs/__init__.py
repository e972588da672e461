"""Tenants, their keys, their programs with all versions, shared counters and the audit trail."""
