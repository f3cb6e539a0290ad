"""arXiv: RSS, OAI-PMH, listing pages and the query API."""
