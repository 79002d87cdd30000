"""The clients that tests drive Souk with: over HTTP and websocket, as a web client would."""
