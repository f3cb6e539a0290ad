"""Channels: messages to Slack, Discord, Telegram and others, through apprise."""
