"""From what a microscope wrote to images that can be pre-trained on.

``raw_sources`` lists files, ``output_names`` names what is made of them,
``conversion`` makes it (with ``tiling`` and
``label_images``), ``duplicates`` finds what is there twice, and ``corpus``
runs it all and writes the report.
"""
