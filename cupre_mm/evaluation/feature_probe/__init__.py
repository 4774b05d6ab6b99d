"""How well frozen features tell pixels of cells apart: a linear probe."""
