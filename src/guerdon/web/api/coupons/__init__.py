"""Coupons over HTTP: batches and shared codes, and what a code is good for."""
