"""What the admin looks like: words, badges, theme. Nothing in here asks the database."""
