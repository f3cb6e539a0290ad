"""Which papers, for whom, and why? Pure: texts and numbers in, picks with reasons out."""
