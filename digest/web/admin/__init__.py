"""The administration pages: subscribers, deliveries, sources, import and audit log."""
