"""Whole schedules of learning rates."""
