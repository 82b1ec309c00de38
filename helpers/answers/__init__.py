"""What people typed: read with its problems, written whole or not at all, never lost."""
