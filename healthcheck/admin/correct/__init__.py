"""Correcting intervals of endpoints: the form, what it would change, and the walk from one to the other."""
