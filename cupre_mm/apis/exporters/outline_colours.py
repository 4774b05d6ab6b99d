"""Colours of outlines, told apart with any colour vision.

Of Okabe and Ito, Color Universal Design (2008), as R, G, B.
"""

YELLOW = (240, 228, 66)
SKY_BLUE = (86, 180, 233)
REDDISH_PURPLE = (204, 121, 167)
VERMILLION = (213, 94, 0)
BLUE = (0, 114, 178)
BLUISH_GREEN = (0, 158, 115)

COLOURS = (
    YELLOW,
    SKY_BLUE,
    REDDISH_PURPLE,
    VERMILLION,
    BLUE,
    BLUISH_GREEN,
)
# Neighbours are seldom found one after another, and get different ones.
ON_DARK = (YELLOW, SKY_BLUE, REDDISH_PURPLE)
ON_BRIGHT = (VERMILLION, BLUE, BLUISH_GREEN)
