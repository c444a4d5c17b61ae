"""Fields of forms, and what they accept."""
