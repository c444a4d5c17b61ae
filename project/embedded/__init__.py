"""Everything in one command on one machine: `manage.py up`, and the demo that it shows."""
