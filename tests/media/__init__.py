"""Pictures: judged by content, stored, served, attached and removed."""
