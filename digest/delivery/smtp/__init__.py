"""The SMTP client: opening connections, the protocol, and transactions."""
