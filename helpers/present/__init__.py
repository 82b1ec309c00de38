"""Everything a reader sees; nothing here computes."""
