"""Arithmetic: canonical tables in, cells out."""
