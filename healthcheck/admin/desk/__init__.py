"""The start page: what is wrong now, who checks, and the first steps."""
