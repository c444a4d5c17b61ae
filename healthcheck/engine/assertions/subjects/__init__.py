"""What can be judged, one file per subject: its class, and the function that reads it from a line."""
