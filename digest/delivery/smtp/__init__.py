"""The SMTP client: connecting, the protocol and pipelined transactions."""
