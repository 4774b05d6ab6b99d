"""Cell-specific methods of others, trained and scored beside our arms."""
