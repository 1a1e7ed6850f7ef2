"""What to train with: learning rate, batch and how to share a budget."""
