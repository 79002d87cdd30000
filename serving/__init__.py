"""A request's way in and out: HTTP, sockets, server-sent events, persisted documents, limits,
cookies, key scopes, masking, kept public answers. Must not know a domain."""
