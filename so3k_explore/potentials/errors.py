"""What can go wrong with models on disk."""


class CheckpointError(ValueError):
    """A checkpoint cannot be read: damaged, of an unknown format, or not fitting the model."""


class ModelNotFoundError(ValueError):
    """No model has this name, or it is not on this machine."""
