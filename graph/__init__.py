"""The words in which schema/ is written. Must not know a domain."""
