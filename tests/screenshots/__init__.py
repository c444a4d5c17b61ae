"""Pictures of every page, for people who would rather look than read: `python -m tests.screenshots`."""
