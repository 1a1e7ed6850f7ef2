"""From one loss to another, and to what tasks make of it."""
