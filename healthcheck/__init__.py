"""Scheduled, concurrent health checks for Django."""
