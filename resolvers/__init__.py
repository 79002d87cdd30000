"""What an operation does: use cases and read queries, one module a domain. Must not know GraphQL or
HTTP, and builds no SQL."""
