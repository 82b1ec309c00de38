"""Questions: cells in, findings out."""
