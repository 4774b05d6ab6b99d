"""What a data set holds, in figures and contact sheets."""
