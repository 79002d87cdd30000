"""What happened: relay, doorbell and hub carry the event log to subscribers. Knows no domain."""
