"""Uploaded pictures: tables and statements, a file a feature."""
