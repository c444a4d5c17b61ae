"""Telling people: channels, policies, dependencies, deliveries and incidents."""
