"""What people script against: the command line, files and numbers, on exports small enough to count by hand."""
