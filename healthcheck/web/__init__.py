"""What everyone may see: read-only, with a fixed number of queries."""
