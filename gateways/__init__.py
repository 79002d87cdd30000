"""The outside world: mail, storage, later payments and messages. Knows no domain and no database;
each gateway is a Protocol with the implementations that the configuration chooses from."""
