"""What people typed: read and written without ever losing a word."""
