"""Rendering of mail: an edition becomes an email, and the email MIME bytes. Reads templates, no other I/O."""
