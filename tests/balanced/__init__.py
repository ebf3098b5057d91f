"""A balanced network: its connections, its activity, its mean field, and the protocol."""
