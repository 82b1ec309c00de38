"""Companies whose parameters are known, because they were drawn from them."""
