"""Coupon codes, pure: how they are written, which number one stands for, and whether it may be used."""
