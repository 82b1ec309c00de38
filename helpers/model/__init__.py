"""Definitions as data: what the business is made of and how it is counted."""
