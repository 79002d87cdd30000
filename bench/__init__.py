"""Measures a server of its own, side by side with the least that the database must do. A tool for
us: nothing of Souk imports it."""
