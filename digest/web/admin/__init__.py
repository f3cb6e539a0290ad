"""What does an operator see? The readers, their mails, the sources, and who changed what."""
