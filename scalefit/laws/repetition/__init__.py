"""Data of which there is only so much, or of which some is worth more."""
