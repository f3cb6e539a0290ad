"""What happened? Events with fields on standard error, pretty for people, JSON for machines."""
