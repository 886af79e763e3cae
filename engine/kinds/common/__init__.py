"""What several kinds share: the model of a kind, pod templates, metadata rules. Modules here are not kinds."""
