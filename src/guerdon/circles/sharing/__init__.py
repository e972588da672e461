"""Addresses under which members show what they bought, took or earned, with who came by them."""
