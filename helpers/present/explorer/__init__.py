"""The explorer of notebook 03: choices, linked charts, records, what-if, and its state as parameters."""
