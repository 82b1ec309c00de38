"""Exports in, canonical tables out; the one floor that knows vendors."""
