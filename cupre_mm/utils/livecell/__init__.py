"""LIVECell: its names, the layout it is downloaded in, its conversion."""
