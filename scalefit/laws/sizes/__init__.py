"""Size and data: the loss of a model of N parameters after D tokens."""
