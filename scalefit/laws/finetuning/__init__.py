"""After pre-training: fine-tuning, transfer and reinforcement."""
