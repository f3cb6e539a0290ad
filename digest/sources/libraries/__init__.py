"""A subscriber's own library: bibliography files, Zotero, ORCID, Semantic Scholar."""
