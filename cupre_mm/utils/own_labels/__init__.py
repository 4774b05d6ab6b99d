"""Fine-tuning on labels of one's own: from a folder to a config and a run."""
