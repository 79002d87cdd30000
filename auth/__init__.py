"""Who is asking: tokens, keys, passwords, codes, the Actor, role rules. Stores nothing."""
