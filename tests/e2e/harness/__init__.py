"""What the end-to-end tests stand on: processes, a client that hides nothing, and comparisons that explain themselves."""
