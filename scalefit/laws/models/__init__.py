"""What a model is made of: its precision, sparsity, streams, vocabulary and teacher."""
