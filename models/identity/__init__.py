"""Accounts and everything by which people get in: tables and statements, a file a feature."""
