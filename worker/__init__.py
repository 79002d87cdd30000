"""What happens later: closing auctions on time, queued jobs, housekeeping. Runs inside the server
process by default, or by itself with `make worker`; any number of workers may run."""
