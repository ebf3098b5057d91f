"""The experiments people do: one protocol a file."""
